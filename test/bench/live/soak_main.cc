// `./dev soak`: two replicas of the controller against an API server in memory
// for as long as you like, with churn, leaders that are killed or told to go,
// and an API server that restarts. Resident memory, threads and descriptors are
// looked at once a second: memory has to be flat after a while, nothing may
// leak, and the slices have to be exact at the end.
//
// The first leader lives for the first three fifths of the time, while its
// standby is ended over and over; it is the one whose memory is judged. Then
// leaders are ended. The API server restarts all the time.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "apis/json.h"
#include "informers/random.h"
#include "test/bench/live/harness.h"

namespace epslice::bench {
namespace {

constexpr std::chrono::seconds kSecond(1);
// The most that memory may grow by over the window that is judged, as a line
// through its samples has it.
constexpr double kMostGrowthMb = 1.5;

struct Sample {
  double seconds = 0;  // since the soak began
  Process::Sample of;
};

struct Replica {
  std::string name;
  std::unique_ptr<Controller> controller;
  std::vector<Sample> samples;
};

// Pods that come, go, and change their readiness.
class Churn {
 public:
  Churn(const SyntheticCluster& cluster, Transport* transport) : cluster_(cluster), transport_(transport), random_(7) {
    pods_.resize(static_cast<std::size_t>(cluster.services));
    for (int i = 0; i < cluster.pods; ++i) pods_[static_cast<std::size_t>(cluster.ServiceOf(i))].push_back(i);
    next_ = cluster.pods;
  }

  // Whether the API server took it; one that is away takes nothing.
  bool Flip() {
    std::deque<int>& pods = Any();
    if (pods.empty()) return true;
    const int pod = pods[random_.Below(pods.size())];
    Request patch = To(pod, Verb::kPatch);
    patch.subresource = "status";
    patch.patchType = PatchType::kStrategicMerge;
    patch.patch = std::string(R"({"status":{"conditions":[{"type":"Ready","status":")") +
                  (random_.Chance(0.5) ? "True" : "False") + R"("}]}})";
    ++flips_;
    return transport_->Do(patch, nullptr).status.ok();
  }
  // A part of a Service's pods is replaced.
  void Roll() {
    std::deque<int>& pods = Any();
    for (std::size_t i = 0, n = pods.size() / 4; i < n; ++i) {
      Remove(&pods);
      Add(&pods);
    }
    ++rollouts_;
  }
  void Scale() {
    std::deque<int>& pods = Any();
    const std::size_t to = random_.Below(2 * static_cast<std::size_t>(cluster_.pods / cluster_.services) + 1);
    for (std::size_t n = pods.size(); n < to; ++n) Add(&pods);
    for (std::size_t n = pods.size(); n > to; --n) Remove(&pods);
    ++scales_;
  }
  std::string Told() const {
    return std::to_string(flips_) + " flips, " + std::to_string(rollouts_) + " rollouts, " + std::to_string(scales_) +
           " scalings";
  }

 private:
  std::deque<int>& Any() { return pods_[random_.Below(pods_.size())]; }
  Request To(int pod, Verb verb) const {
    Request request;
    request.verb = verb;
    request.kind = Kind::kPod;
    request.namespace_ = cluster_.NamespaceOf(cluster_.ServiceOf(pod));
    request.name = cluster_.PodName(pod);
    return request;
  }
  void Add(std::deque<int>* pods) {
    const int service = static_cast<int>(pods - pods_.data());
    // A new index of the same Service. Addresses and names go round after a
    // while, when the pods that had them are long gone.
    const int round = next_ / cluster_.services;
    const int pod = round * cluster_.services + service;
    next_ += cluster_.services;
    Request create = To(pod, Verb::kCreate);
    create.name.clear();
    create.object = *DecodeObjectJson(Kind::kPod, PodJson(cluster_, pod, 1), /*keep_json=*/true);
    if (transport_->Do(create, nullptr).status.ok()) pods->push_back(pod);
  }
  void Remove(std::deque<int>* pods) {
    if (pods->empty()) return;
    Request remove = To(pods->front(), Verb::kDelete);
    remove.deletion.gracePeriodSeconds = static_cast<std::int64_t>(random_.Below(3));
    const Status status = transport_->Do(remove, nullptr).status;
    if (status.ok() || status.code == 404) pods->pop_front();
  }

  const SyntheticCluster cluster_;
  Transport* const transport_;
  Random random_;
  std::vector<std::deque<int>> pods_;  // of each Service, the oldest first
  int next_ = 0;
  std::int64_t flips_ = 0, rollouts_ = 0, scales_ = 0;
};

// The slope of the line through the values, least squares, in MB a second.
double Slope(const std::vector<Sample>& samples) {
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(samples.size());
  for (const Sample& s : samples) {
    x += s.seconds;
    y += s.of.rss_mb;
    xx += s.seconds * s.seconds;
    xy += s.seconds * s.of.rss_mb;
  }
  const double divisor = n * xx - x * x;
  return divisor == 0 ? 0 : (n * xy - x * y) / divisor;
}

class Soak {
 public:
  Soak(const Clock* clock, Programs programs, double minutes)
      : clock_(clock), programs_(std::move(programs)), seconds_(minutes * 60) {}

  // Whether all is well; prints what it saw.
  bool Run() {
    const std::string dump = folder_.Path("cluster.jsonl");
    {
      std::ofstream file(dump);
      WriteDump(cluster_, file);
    }
    server_ = std::make_unique<ApiServer>(clock_, programs_, folder_, dump);
    const std::unique_ptr<HttpTransport> transport = server_->Connect(clock_);
    churn_ = std::make_unique<Churn>(cluster_, transport.get());
    replicas_.push_back(New());
    first_ = replicas_.back().get();
    if (!Await(*clock_, std::chrono::minutes(1), [this] { return Leads(*first_); })) Fail("nobody leads at first");
    replicas_.push_back(New());
    begin_ = clock_->Now();
    for (int second = 0; second < static_cast<int>(seconds_) && wrong_.empty(); ++second) Step(second);
    std::string differs = "not looked at";
    const bool exact = Await(
        *clock_, std::chrono::minutes(2), [&] { return (differs = WrongSlices(*clock_, transport.get())).empty(); },
        kSecond);
    if (!exact) Fail("slices: " + differs);
    for (auto& replica : replicas_) {
      replica->controller->process().Signal(SIGTERM);
      if (replica->controller->process().Wait() != 0) Fail(replica->name + " did not end with 0");
    }
    Report();
    for (const std::string& wrong : wrong_) std::printf("WRONG: %s\n", wrong.c_str());
    if (wrong_.empty()) std::printf("all is well\n");
    return wrong_.empty();
  }

 private:
  void Fail(const std::string& why) { wrong_.push_back(why); }

  std::unique_ptr<Replica> New() {
    auto replica = std::make_unique<Replica>();
    replica->name = "replica-" + std::to_string(++made_);
    replica->controller = std::make_unique<Controller>(clock_, programs_, folder_, replica->name, *server_);
    return replica;
  }

  bool Leads(const Replica& replica) {
    return replica.controller->Metric(R"(leader_election_master_status{name="endpointslice-controller"})") == 1;
  }

  // One second: ten flips, now and then more, and at its end a look.
  void Step(int second) {
    const Instant end = begin_ + kSecond * (second + 1);
    const bool leaders_go = second > seconds_ * 0.6;
    if (second % 60 == 45) {
      server_->Restart();
      ++restarts_;
    }
    if (second % 25 == 20) EndOne(leaders_go, second);
    for (int i = 0; i < 10; ++i) {
      if (!churn_->Flip()) break;
      Pause(*clock_, kSecond / 20);
    }
    if (second % 5 == 1) churn_->Roll();
    if (second % 7 == 3) churn_->Scale();
    Pause(*clock_, end - clock_->Now());
    for (auto& replica : replicas_) {
      if (!replica->controller->process().Running() && !MayBeReplaced(&replica)) return;
      replica->samples.push_back(
          {std::chrono::duration<double>(clock_->Now() - begin_).count(), replica->controller->process().Look()});
    }
  }

  // A replica ended by itself: a leader does, rightly, that could not renew its
  // lease in time, on a machine too busy to start the API server again.
  bool MayBeReplaced(std::unique_ptr<Replica>* replica) {
    Process& process = (*replica)->controller->process();
    const int code = process.Wait();
    if (code != 1 || process.Output().find("Lost the lease") == std::string::npos) {
      Fail((*replica)->name + " ended by itself with " + std::to_string(code) + ":\n" + Tail(process.Output()));
      return false;
    }
    ++leases_lost_;
    past_.push_back(std::move(*replica));
    *replica = New();
    return true;
  }

  // Ends the leader, or the other one, by turns with a signal that it can
  // answer and one that it cannot; a new one takes its place.
  void EndOne(bool leader, int second) {
    const auto victim =
        std::find_if(replicas_.begin(), replicas_.end(), [&](const auto& r) { return Leads(*r) == leader; });
    if (victim == replicas_.end()) return;
    Process& process = (*victim)->controller->process();
    const int signal = second / 25 % 2 == 0 ? SIGTERM : SIGKILL;
    process.Signal(signal);
    const int code = process.Wait();
    if (signal == SIGTERM && code != 0) {
      Fail((*victim)->name + " ended with " + std::to_string(code) + ":\n" + Tail(process.Output()));
    }
    ++(leader ? leaders_ended_ : standbys_ended_);
    past_.push_back(std::move(*victim));
    *victim = New();
  }

  static std::string Tail(const std::string& text) {
    return text.substr(text.size() - std::min<std::size_t>(text.size(), 2000));
  }

  void Report() {
    // Of the one that lived longest: the first leader, unless it lost its lease.
    const Replica* judged = first_;
    for (const auto* list : {&past_, &replicas_}) {
      for (const auto& replica : *list) {
        if (replica->samples.size() > judged->samples.size()) judged = replica.get();
      }
    }
    std::vector<Sample> window = judged->samples;
    const double born = window.empty() ? 0 : window.front().seconds;
    const double warm = born + std::min(120.0, window.empty() ? 0 : (window.back().seconds - born) / 3);
    std::erase_if(window, [warm](const Sample& s) { return s.seconds < warm; });
    if (window.size() < 10) return Fail("too short to judge");
    const double growth = Slope(window) * (window.back().seconds - window.front().seconds);
    const std::size_t quarter = window.size() / 4;
    const auto most = [&](std::size_t from, std::size_t to, auto value) {
      auto best = value(window[from].of);
      for (std::size_t i = from; i < to; ++i) best = std::max(best, value(window[i].of));
      return best;
    };
    const auto row = [&](const char* what, auto value, int decimals, double room) {
      const double early = most(0, quarter, value), late = most(window.size() - quarter, window.size(), value);
      std::printf("  %-28s %10.*f %10.*f\n", what, decimals, early, decimals, late);
      if (late > early + room) Fail(std::string(what) + " grew");
    };
    std::printf("%.0f min: %s; %d restarts of the API server, %d leaders and %d standbys ended, %d leases lost\n",
                seconds_ / 60, churn_->Told().c_str(), restarts_, leaders_ended_, standbys_ended_, leases_lost_);
    std::printf(
        "the replica that lived longest, from %.0f s to %.0f s (%zu samples), the most in the first and the last "
        "quarter:\n",
        window.front().seconds, window.back().seconds, window.size());
    row(
        "RSS, MB", [](const Process::Sample& s) { return s.rss_mb; }, 1, kMostGrowthMb);
    row(
        "threads", [](const Process::Sample& s) { return static_cast<double>(s.threads); }, 0, 2);
    row(
        "descriptors", [](const Process::Sample& s) { return static_cast<double>(s.descriptors); }, 0, 2);
    std::printf("  growth of RSS by regression: %.2f MB in all, %.1f MB an hour (at most %.1f in all)\n", growth,
                Slope(window) * 3600, kMostGrowthMb);
    if (growth > kMostGrowthMb) Fail("RSS grows");
    double peak = 0;
    for (const auto* list : {&past_, &replicas_}) {
      for (const auto& replica : *list) {
        for (const Sample& s : replica->samples) peak = std::max(peak, s.of.peak_rss_mb);
      }
    }
    std::printf("  peak RSS of any of %d replicas: %.1f MB\n", made_, peak);
  }

  const Clock* const clock_;
  const Programs programs_;
  const double seconds_;
  const SyntheticCluster cluster_{60, 40, 2000, 2};
  TempFolder folder_;
  std::unique_ptr<ApiServer> server_;
  std::unique_ptr<Churn> churn_;
  std::vector<std::unique_ptr<Replica>> replicas_, past_;
  Replica* first_ = nullptr;
  Instant begin_{0};
  int made_ = 0, restarts_ = 0, leaders_ended_ = 0, standbys_ended_ = 0, leases_lost_ = 0;
  std::vector<std::string> wrong_;
};

int Main(int argc, char** argv) {
  Programs programs;
  programs.folder = EPSLICE_BIN_DIR;
  double minutes = 30;
  CLI::App app("Runs the controller for long, with churn and failures, and looks for leaks");
  app.add_option("MINUTES", minutes, "How long")->check(CLI::Range(1.0, 10000.0))->capture_default_str();
  app.add_option("--programs", programs.folder, "Where endpointslice-sim and endpointslice-controller are")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const RealClock clock;
  return Soak(&clock, programs, minutes).Run() ? 0 : 1;
}

}  // namespace
}  // namespace epslice::bench

int main(int argc, char** argv) {
  try {
    return epslice::bench::Main(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "soak: " << e.what() << "\n";
    return 1;
  }
}
