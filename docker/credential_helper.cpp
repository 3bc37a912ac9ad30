#include "docker/credential_helper.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

extern char** environ;

// Asio's functions return the code that they also write where they were told to; some versions return nothing.
// NOLINTBEGIN(bugprone-unused-return-value)

namespace cofferdam::docker {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kLongestOutput = 64U << 10U;

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      return false;
    }
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
};

void close_end(int& end) {
  if (end >= 0) {
    ::close(end);
    end = -1;
  }
}

/// The child, in its own process group so that what it starts ends with it, with no signal blocked or ignored.
int spawn(const std::string& program, int input, int output, pid_t& child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  // Nothing else of ours: a connection to the engine in foreign hands would be root on this host.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::string name = program;
  std::string verb = "get";
  std::array<char*, 3> arguments{name.data(), verb.data(), nullptr};
  const int code = posix_spawnp(&child, program.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

class Helper final : public CredentialHelper, public std::enable_shared_from_this<Helper> {
 public:
  Helper(asio::io_context& io, std::string program, std::string key, std::function<void(Answer)> done,
         std::shared_ptr<void> alive)
      : alive_(std::move(alive)),
        io_(io),
        program_(std::move(program)),
        key_(std::move(key)),
        done_(std::move(done)),
        output_(io),
        process_(io),
        timer_(io) {}
  ~Helper() override {
    if (child_ > 0) {  // the loop ended before the program did
      ::kill(-child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  void start(std::chrono::milliseconds deadline) {
    const auto wrong = launch();
    if (!wrong.empty()) {
      asio::post(io_, [self = shared_from_this(), wrong] { self->answer(self->program_ + ": " + wrong); });
      return;
    }
    timer_.expires_after(deadline);
    timer_.async_wait([self = shared_from_this(), deadline](const error_code& code) {
      if (!code) {
        self->answer(self->program_ + " did not answer within " + std::to_string(deadline.count()) + " ms");
        self->stop();
      }
    });
    read();
    process_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](const error_code&) { self->reap(); });
  }

  void stop() override {
    done_ = nullptr;
    timer_.cancel();
    if (child_ > 0) {
      ::kill(-child_, SIGKILL);
    }
    error_code ignored;
    output_.close(ignored);
  }

 private:
  std::string launch() {
    Pipe input;
    Pipe output;
    std::string wrong;
    // The whole question fits a pipe, so it is written before anybody can hang up on it.
    if (!input.open() || !output.open() ||
        ::write(input.write_end, key_.data(), key_.size()) != static_cast<ssize_t>(key_.size())) {
      wrong = std::string("no pipe: ") + std::strerror(errno);
    } else if (const int code = spawn(program_, input.read_end, output.write_end, child_); code != 0) {
      child_ = -1;
      wrong = std::string("cannot be run: ") + std::strerror(code) + " (it must be in the PATH of this service)";
    } else if (const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)); handle < 0) {
      wrong = std::string("cannot be watched: ") + std::strerror(errno);
    } else {
      process_.assign(handle);
      output_.assign(std::exchange(output.read_end, -1));
    }
    close_end(input.read_end);
    close_end(input.write_end);
    close_end(output.read_end);
    close_end(output.write_end);
    return wrong;
  }

  void read() {
    output_.async_read_some(asio::buffer(piece_), [self = shared_from_this()](const error_code& code, std::size_t count) {
      self->text_.append(self->piece_.data(), count);
      self->piece_.fill('\0');
      if (self->text_.size() > kLongestOutput) {
        self->answer(self->program_ + " answered more than " + std::to_string(kLongestOutput) + " bytes");
        self->stop();
      } else if (code) {
        self->output_over_ = true;
        self->finish();
      } else {
        self->read();
      }
    });
  }

  void reap() {
    int status = 0;
    if (child_ > 0) {
      const auto gone = ::waitpid(child_, &status, WNOHANG);
      // Somebody else reaped it where there is nothing to wait for: its output alone speaks then.
      exit_ = gone != child_ ? 0 : (WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
      child_ = -1;
    }
    error_code ignored;
    process_.close(ignored);
    finish();
  }

  /// Once the program is gone and its output read.
  void finish() {
    if (!output_over_ || child_ > 0) {
      return;
    }
    if (exit_ != 0) {
      // The helpers' protocol: the reason stands on the standard output, and this one is no failure.
      if (text_.find("credentials not found") != std::string::npos) {
        answer(std::optional<Credentials>{});
      } else {
        answer(program_ + " ended with " + std::to_string(exit_) + "; try it by hand: echo " + key_ + " | " + program_ + " get");
      }
      return;
    }
    auto decoded = decode_helper_reply(text_);
    if (const auto* wrong = std::get_if<std::string>(&decoded)) {
      answer(program_ + " answered what cannot be understood: " + *wrong);
    } else {
      answer(std::optional(std::get<Credentials>(std::move(decoded))));
    }
  }

  void answer(Answer what) {
    timer_.cancel();
    text_.assign(text_.size(), '\0');
    if (const auto done = std::exchange(done_, nullptr)) {
      done(std::move(what));
    }
  }

  std::shared_ptr<void> alive_;  // first: goes last
  asio::io_context& io_;
  std::string program_;
  std::string key_;
  std::function<void(Answer)> done_;
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor process_;
  asio::steady_timer timer_;
  std::array<char, 4096> piece_{};
  std::string text_;
  pid_t child_ = -1;
  int exit_ = 0;
  bool output_over_ = false;
};

}  // namespace

std::shared_ptr<CredentialHelper> ask_credential_helper(asio::io_context& io, const std::string& program, const std::string& key,
                                                        std::chrono::milliseconds deadline,
                                                        std::function<void(CredentialHelper::Answer)> done,
                                                        std::shared_ptr<void> alive) {
  auto helper = std::make_shared<Helper>(io, program, key, std::move(done), std::move(alive));
  helper->start(deadline);
  return helper;
}

}  // namespace cofferdam::docker

// NOLINTEND(bugprone-unused-return-value)
