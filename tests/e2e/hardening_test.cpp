// Every row of the hardening table, as the engine tells it and as the kernel shows it.

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/e2e/world.hpp"

namespace cofferdam::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Reads of the agent's own process, not of docker-init before it.
class Hardening : public World {
 protected:
  void SetUp() override {
    start();
    drop({.name = "hard", .more = {"memoryMB: 64", "cpuLimit: 0.5"}});
    ASSERT_TRUE(reaches("hard", "Running"));
    container_ = only_live("hard");
    init_ = container_["State"]["Pid"];
    ASSERT_TRUE(eventually([this] {
      const Json top = Json::parse(
          raw().call("GET", "/containers/" + container_["Id"].get<std::string>() + "/top?ps_args=-eo%20pid,args").body, nullptr,
          false);
      if (!top.is_object() || !top.contains("Processes")) return false;
      for (const auto& row : top["Processes"]) {
        if (row[1].get<std::string>().starts_with("sleep")) agent_ = std::stoi(row[0].get<std::string>());
      }
      return agent_ != 0;
    }));
  }

  [[nodiscard]] std::string proc(const std::string& name) const {
    return read_file("/proc/" + std::to_string(agent_) + "/" + name);
  }

  /// The value of a line "Name:\tvalue" of /proc/PID/status.
  [[nodiscard]] std::string process_field(const std::string& name) const {
    std::istringstream lines(proc("status"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + ":")) return line.substr(line.find_first_not_of(" \t", name.size() + 1));
    }
    return "";
  }

  /// The options of a mount in mountinfo: "per-mount | of the file system".
  [[nodiscard]] std::string mount_options(const std::string& target) const {
    std::istringstream lines(proc("mountinfo"));
    std::string found;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string id, parent, device, from, at, options;
      words >> id >> parent >> device >> from >> at >> options;
      if (at == target) found = options + " | " + line.substr(line.find(" - "));
    }
    return found;
  }

  /// A limit's file, under cgroup v2 or v1.
  [[nodiscard]] std::string limit(const std::string& controller, const std::string& v1_file, const std::string& v2_file) const {
    std::istringstream lines(proc("cgroup"));
    std::string unified;
    for (std::string line; std::getline(lines, line);) {
      const auto first = line.find(':');
      const auto second = line.find(':', first + 1);
      std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
      if (line.starts_with("0::")) unified = line.substr(3);
      if (names.find("," + controller + ",") != std::string::npos) {
        return read_file("/sys/fs/cgroup/" + controller + line.substr(second + 1) + "/" + v1_file);
      }
    }
    return read_file("/sys/fs/cgroup" + unified + "/" + v2_file);
  }

  Json container_;
  int init_ = 0;
  int agent_ = 0;
};

TEST_F(Hardening, CapabilitiesAreGone) {
  EXPECT_EQ(container_["HostConfig"]["CapDrop"], Json({"ALL"}));
  EXPECT_TRUE(container_["HostConfig"]["CapAdd"].empty());
  for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_EQ(process_field(set), "0000000000000000") << set;
}

TEST_F(Hardening, NoNewPrivilegesAndSeccompHold) {
  EXPECT_THAT(container_["HostConfig"]["SecurityOpt"].dump(), HasSubstr("no-new-privileges"));
  EXPECT_EQ(process_field("NoNewPrivs"), "1");
  EXPECT_EQ(process_field("Seccomp"), "2");
  const Json info = Json::parse(raw().call("GET", "/info").body);
  if (info["SecurityOptions"].dump().find("name=apparmor") != std::string::npos) {
    EXPECT_THAT(proc("attr/current"), HasSubstr("docker-default"));
  } else {
    EXPECT_EQ(container_["AppArmorProfile"], "");
  }
}

TEST_F(Hardening, NothingOfTheHostIsLent) {
  const Json host = container_["HostConfig"];
  EXPECT_EQ(host["Privileged"], false);
  for (const auto* field :
       {"Devices", "DeviceRequests", "DeviceCgroupRules", "VolumesFrom", "Links", "GroupAdd", "Sysctls", "Binds"}) {
    EXPECT_TRUE(!host.contains(field) || host[field].is_null() || host[field].empty()) << field << " " << host[field];
  }
  EXPECT_EQ(process_field("Groups"), "1000 ") << "only its own group";
  EXPECT_THAT(limit("devices", "devices.list", "cgroup.type"), Not(HasSubstr("a *:* rwm")));
}

TEST_F(Hardening, UserIsNumericAndNotRoot) {
  EXPECT_EQ(container_["Config"]["User"], "1000:1000");
  EXPECT_EQ(process_field("Uid"), "1000\t1000\t1000\t1000");
  EXPECT_EQ(process_field("Gid"), "1000\t1000\t1000\t1000");
}

TEST_F(Hardening, RootFileSystemIsReadOnly) {
  EXPECT_EQ(container_["HostConfig"]["ReadonlyRootfs"], true);
  EXPECT_TRUE(mount_options("/").starts_with("ro,")) << mount_options("/");
}

TEST_F(Hardening, TemporaryFileSystemsAreBounded) {
  const Json tmpfs = container_["HostConfig"]["Tmpfs"];
  ASSERT_TRUE(tmpfs.contains("/tmp") && tmpfs.contains("/run")) << tmpfs;
  const std::string tmp = mount_options("/tmp");
  const std::string run = mount_options("/run");
  for (const auto& mount : {tmp, run}) {
    EXPECT_THAT(mount, HasSubstr("tmpfs"));
    EXPECT_THAT(mount, HasSubstr("nosuid"));
    EXPECT_THAT(mount, HasSubstr("nodev"));
    EXPECT_THAT(mount, HasSubstr("uid=1000,gid=1000"));
    EXPECT_THAT(mount, HasSubstr("mode=700"));
  }
  EXPECT_THAT(tmp, HasSubstr("size=262144k"));
  EXPECT_THAT(tmp, Not(HasSubstr("noexec")));
  EXPECT_THAT(run, HasSubstr("size=16384k"));
  EXPECT_THAT(run, HasSubstr("noexec"));
}

TEST_F(Hardening, HomeIsWritable) {
  EXPECT_THAT(container_["Config"]["Env"].dump(), HasSubstr("\"HOME=/tmp\""));
}

TEST_F(Hardening, LimitsHold) {
  const Json host = container_["HostConfig"];
  EXPECT_EQ(host["PidsLimit"], 100);
  EXPECT_EQ(limit("pids", "pids.max", "pids.max"), "100\n");
  EXPECT_EQ(host["Memory"], 64 << 20);
  EXPECT_EQ(host["MemorySwap"], 64 << 20);
  EXPECT_EQ(limit("memory", "memory.limit_in_bytes", "memory.max"), "67108864\n");
  EXPECT_EQ(host["NanoCpus"], 500000000);
  const std::string quota = limit("cpu", "cpu.cfs_quota_us", "cpu.max");
  EXPECT_TRUE(quota == "50000\n" || quota == "50000 100000\n") << quota;
  EXPECT_EQ(host["OomScoreAdj"], 500);
  EXPECT_EQ(proc("oom_score_adj"), "500\n");
  const std::string limits = proc("limits");
  EXPECT_TRUE(::testing::internal::RE::PartialMatch(limits, "Max open files +1024 +16384")) << limits;
  EXPECT_TRUE(::testing::internal::RE::PartialMatch(limits, "Max core file size +0 +0")) << limits;
}

TEST_F(Hardening, NamespacesAreItsOwn) {
  const Json host = container_["HostConfig"];
  EXPECT_EQ(host["IpcMode"], "private");
  EXPECT_EQ(host["ShmSize"], 64 << 20);
  EXPECT_THAT(mount_options("/dev/shm"), HasSubstr("size=65536k"));
  EXPECT_EQ(host["CgroupnsMode"], "private");
  EXPECT_NE(host["PidMode"], "host");
  EXPECT_NE(host["UTSMode"], "host");
  EXPECT_NE(host["UsernsMode"], "host");
  EXPECT_EQ(container_["Config"]["Hostname"], "hard");
  for (const auto* name : {"cgroup", "ipc", "mnt", "net", "pid", "uts"}) {
    const auto theirs = std::filesystem::read_symlink("/proc/" + std::to_string(agent_) + "/ns/" + name);
    EXPECT_NE(theirs, std::filesystem::read_symlink(std::string("/proc/self/ns/") + name)) << name;
  }
}

TEST_F(Hardening, NetworkIsTheDefaultAndSaidToBeShared) {
  EXPECT_EQ(container_["HostConfig"]["NetworkMode"], "bridge");
  EXPECT_THAT(proc("net/dev"), HasSubstr("eth0"));
  EXPECT_EQ(condition("hard", "NetworkIsolated"), "False");
  EXPECT_EQ(container_["HostConfig"]["PublishAllPorts"], false);
  EXPECT_TRUE(container_["HostConfig"]["PortBindings"].empty());
}

TEST_F(Hardening, NetworkNoneHasNoWayOut) {
  drop({.name = "alone", .more = {"networkMode: none"}});
  ASSERT_TRUE(reaches("alone", "Running"));
  const std::string devices = read_file("/proc/" + only_live("alone")["State"]["Pid"].dump() + "/net/dev");
  EXPECT_THAT(devices, HasSubstr("lo:"));
  EXPECT_THAT(devices, Not(HasSubstr("eth0")));
  EXPECT_EQ(condition("alone", "NetworkIsolated"), "True");
}

TEST_F(Hardening, KernelFilesAreMasked) {
  EXPECT_THAT(container_["HostConfig"]["MaskedPaths"].dump(), HasSubstr("/proc/kcore"));
  EXPECT_THAT(container_["HostConfig"]["ReadonlyPaths"].dump(), HasSubstr("/proc/sys"));
  // What this kernel has of them is hidden below a mount of nothing.
  int masked = 0;
  for (const auto& path : container_["HostConfig"]["MaskedPaths"]) {
    if (!std::filesystem::exists(path.get<std::string>())) continue;
    EXPECT_THAT(mount_options(path), HasSubstr("tmpfs")) << path;
    ++masked;
  }
  EXPECT_GT(masked, 0);
  EXPECT_TRUE(mount_options("/proc/sys").starts_with("ro,")) << mount_options("/proc/sys");
}

TEST_F(Hardening, LogsAreBounded) {
  EXPECT_EQ(container_["HostConfig"]["LogConfig"]["Type"], "local");
  EXPECT_EQ(container_["HostConfig"]["LogConfig"]["Config"]["max-size"], "10m");
  EXPECT_EQ(container_["HostConfig"]["LogConfig"]["Config"]["max-file"], "3");
}

TEST_F(Hardening, LifeIsInTheControllersHands) {
  const Json host = container_["HostConfig"];
  const Json config = container_["Config"];
  EXPECT_EQ(host["Init"], true);
  EXPECT_EQ(config["StopSignal"], "SIGTERM");
  EXPECT_EQ(config["StopTimeout"], 10);
  EXPECT_EQ(host["AutoRemove"], false);
  EXPECT_TRUE(host["RestartPolicy"]["Name"] == "no" || host["RestartPolicy"]["Name"] == "");
  EXPECT_EQ(config["Tty"], false);
  EXPECT_EQ(config["OpenStdin"], false);
  EXPECT_EQ(config["Healthcheck"]["Test"], Json({"NONE"}));
  EXPECT_EQ(config["WorkingDir"], "/workspace");
  EXPECT_NE(init_, agent_) << "docker-init is the container's first process";
}

TEST_F(Hardening, WorkspaceIsTheOnlyMountAndDoesNotPropagate) {
  ASSERT_EQ(container_["Mounts"].size(), 1U) << container_["Mounts"];
  const Json mount = container_["Mounts"][0];
  EXPECT_EQ(mount["Type"], "bind");
  EXPECT_EQ(mount["Source"], (workspaces() / "hard").string());
  EXPECT_EQ(mount["Destination"], "/workspace");
  EXPECT_EQ(mount["RW"], true);
  EXPECT_EQ(mount["Propagation"], "rprivate");
  EXPECT_EQ(container_["HostConfig"]["Mounts"][0]["BindOptions"]["NonRecursive"], true);
}

TEST_F(Hardening, ReadOnlyWorkspaceIsReadOnly) {
  drop({.name = "reader",
        .script = "touch /workspace/x || echo refused > /tmp/x; exec sleep 1000",
        .more = {"workspaceReadOnly: true"}});
  ASSERT_TRUE(reaches("reader", "Running"));
  EXPECT_EQ(only_live("reader")["Mounts"][0]["RW"], false);
  EXPECT_FALSE(std::filesystem::exists(workspaces() / "reader" / "x"));
}

TEST_F(Hardening, WhatPolicyDoesNotAllowIsDenied) {
  drop({.name = "wide", .more = {"security: {readonlyRootfs: false}"}});
  EXPECT_TRUE(reaches("wide", "Denied"));
  drop({.name = "root", .more = {"user: '0:0'"}});
  EXPECT_TRUE(reaches("root", "Denied"));
  drop({.name = "capable", .more = {"security: {capAdd: [NET_ADMIN]}"}});
  EXPECT_TRUE(reaches("capable", "Denied"));
  drop({.name = "hosted", .more = {"networkMode: host"}});
  EXPECT_TRUE(eventually([&] { return phase("hosted") == "Denied" || phase("hosted") == "Invalid"; }))
      << status("hosted").dump(1);
  for (const auto* name : {"wide", "root", "capable", "hosted"}) EXPECT_TRUE(containers(name).empty()) << name;
}

}  // namespace
}  // namespace cofferdam::test
