#include "controller/path_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace cofferdam::controller {

namespace asio = boost::asio;

namespace {

struct Job {
  enum class State { waiting, running, answered };

  std::string key;
  std::function<void()> work;  // the thread's, once running
  // The loop's. stop() empties them, so that a thread that comes back later has nothing of the loop's to let go of.
  std::function<void(bool)> done;
  std::unique_ptr<asio::steady_timer> timer;
  State state = State::waiting;
};

}  // namespace

class PathPool::Impl : public std::enable_shared_from_this<PathPool::Impl> {
 public:
  Impl(asio::io_context& loop, PathPoolBounds bounds) : loop_(loop), bounds_(bounds) {}

  void submit(const std::shared_ptr<Job>& job, std::chrono::milliseconds deadline) {
    if (stopped_) return;
    ++outstanding_;
    waiting_.push_back(job);
    job->timer = std::make_unique<asio::steady_timer>(loop_, deadline);
    job->timer->async_wait([self = shared_from_this(), job](boost::system::error_code error) {
      if (!error) self->overdue(job);
    });
    begin_what_can();
  }

  [[nodiscard]] std::size_t outstanding() const { return outstanding_; }
  [[nodiscard]] std::size_t hung() const { return hung_; }

  void stop(std::chrono::milliseconds grace) {
    if (stopped_) return;
    stopped_ = true;
    for (const auto& job : running_jobs_) {
      job->timer.reset();
      job->done = nullptr;
    }
    for (const auto& job : waiting_) job->timer.reset();
    waiting_.clear();
    running_jobs_.clear();
    std::vector<std::shared_ptr<Worker>> workers;
    {
      std::unique_lock lock(mutex_);
      ending_ = true;
      ready_.clear();
      wake_.notify_all();
      ended_.wait_for(lock, grace, [this] { return living_ == 0; });
      workers.swap(workers_);
      for (const auto& worker : workers) {
        // One that is still in the kernel keeps this object alive and finds `ending_` when it comes back.
        if (!worker->ended) worker->thread.detach();
      }
    }
    for (const auto& worker : workers) {
      if (worker->thread.joinable()) worker->thread.join();
    }
  }

 private:
  struct Worker {
    std::thread thread;
    bool ended = false;  // under the mutex
  };

  void begin_what_can() {
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      const bool free = at_work_ < bounds_.threads && hung_ <= bounds_.written_off;
      if (!free) return;
      if (busy_.contains((*it)->key)) {
        ++it;
        continue;
      }
      begin(*it);
      it = waiting_.erase(it);
    }
  }

  void begin(const std::shared_ptr<Job>& job) {
    job->state = Job::State::running;
    busy_.insert(job->key);
    running_jobs_.push_back(job);
    ++at_work_;
    const std::lock_guard lock(mutex_);
    ready_.push_back(job);
    if (idle_ < ready_.size()) {
      const auto worker = std::make_shared<Worker>();
      workers_.push_back(worker);
      ++living_;
      worker->thread = std::thread([self = shared_from_this(), worker] { self->serve(*worker); });
    } else {
      wake_.notify_one();
    }
  }

  void serve(Worker& worker) {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      wake_.wait(lock, [this] { return ending_ || !ready_.empty(); });
      --idle_;
      if (ending_) break;
      auto job = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      job->work();
      lock.lock();
      if (ending_) break;
      // Under the mutex: stop() has not returned, so the loop is still there.
      asio::post(loop_, [self = shared_from_this(), job = std::move(job)] { self->finished(job); });
    }
    --living_;
    worker.ended = true;
    ended_.notify_all();
  }

  void finished(const std::shared_ptr<Job>& job) {
    if (stopped_) return;
    busy_.erase(job->key);
    std::erase(running_jobs_, job);
    if (job->state == Job::State::answered) {
      --hung_;  // it was late, and has been answered for
    } else {
      --at_work_;
      answer(job, true);
    }
    if (!stopped_) begin_what_can();
  }

  void overdue(const std::shared_ptr<Job>& job) {
    if (stopped_ || job->state == Job::State::answered) return;
    if (job->state == Job::State::running) {
      --at_work_;
      ++hung_;
    } else {
      std::erase(waiting_, job);
    }
    answer(job, false);
    if (!stopped_) begin_what_can();
  }

  void answer(const std::shared_ptr<Job>& job, bool in_time) {
    job->state = Job::State::answered;
    job->timer.reset();
    --outstanding_;
    const auto done = std::move(job->done);
    done(in_time);
  }

  asio::io_context& loop_;
  const PathPoolBounds bounds_;

  // The loop's.
  std::deque<std::shared_ptr<Job>> waiting_;
  std::vector<std::shared_ptr<Job>> running_jobs_;
  std::set<std::string> busy_;
  std::size_t at_work_ = 0;
  std::size_t hung_ = 0;
  std::size_t outstanding_ = 0;
  bool stopped_ = false;

  // Shared with the threads.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<std::shared_ptr<Job>> ready_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::size_t idle_ = 0;
  std::size_t living_ = 0;
  bool ending_ = false;
};

PathPool::PathPool(asio::io_context& loop, PathPoolBounds bounds) : impl_(std::make_shared<Impl>(loop, bounds)) {}

PathPool::~PathPool() {
  impl_->stop(std::chrono::milliseconds{300});
}

void PathPool::submit(const std::string& key, std::chrono::milliseconds deadline, std::function<void()> work,
                      std::function<void(bool)> done) {
  const auto job = std::make_shared<Job>();
  job->key = key;
  job->work = std::move(work);
  job->done = std::move(done);
  impl_->submit(job, deadline);
}

std::size_t PathPool::outstanding() const {
  return impl_->outstanding();
}
std::size_t PathPool::hung() const {
  return impl_->hung();
}
void PathPool::stop(std::chrono::milliseconds grace) {
  impl_->stop(grace);
}

}  // namespace cofferdam::controller
