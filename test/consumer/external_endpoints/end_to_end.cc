// end_to_end SIMULATOR CONTROLLER REPLICA CLUSTER FOLDER: runs the controllers against an
// API server in memory, over TLS, and watches what comes of it. Exits 0 when all
// is as it must be. It waits for events, never for time to pass.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "informers/http/credentials.h"
#include "informers/http/http_transport.h"
#include "informers/http/kubeconfig.h"

namespace {

using epslice::EndpointSlice;
using epslice::Request;
using epslice::Verb;
using Slices = std::vector<std::shared_ptr<const EndpointSlice>>;

constexpr const char* kName = "external.example.com";
constexpr int kSecondsToWait = 30;

class Child {
 public:
  explicit Child(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    if (pipe2(out_, O_CLOEXEC) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // whatever becomes of us
      dup2(out_[1], STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(out_[1]);
  }
  ~Child() {
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    close(out_[0]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // What it says to standard error, up to a line's end; "" at the end.
  std::string ReadLine() const {
    std::string line;
    for (char c = 0; read(out_[0], &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  // Whether it says such a line before it ends.
  bool Says(const std::string& part) const {
    for (std::string line = ReadLine(); !line.empty(); line = ReadLine()) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }
  // Its exit code after SIGTERM; -1 where it did not exit.
  int Terminate() {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  int out_[2] = {-1, -1};
  pid_t pid_ = -1;
};

int failures = 0;

void Check(bool right, const std::string& what) {
  std::printf("%s: %s\n", right ? "ok" : "WRONG", what.c_str());
  if (!right) ++failures;
}

class Cluster {
 public:
  explicit Cluster(const std::string& kubeconfig) {
    const auto config = epslice::LoadKubeconfig(kubeconfig, {});
    if (!config.ok()) std::abort();
    epslice::HttpTransportOptions http;
    http.base_url = config->server;
    http.ca_pem = config->ca_pem;
    http.credentials = epslice::NewCredentials(config->credentials, &clock_).value();
    http.qps = 0;
    transport_ = std::move(epslice::HttpTransport::Create(http, &clock_).value());
  }

  Slices OfService(const std::string& service) { return Get(SliceRequest(Verb::kList, service)).first; }

  // Until the slices of the service are as `right` says; false: they never were.
  bool Await(const std::string& service, const std::function<bool(const Slices&)>& right) {
    auto [slices, version] = Get(SliceRequest(Verb::kList, service));
    if (right(slices)) return true;
    Request watch = SliceRequest(Verb::kWatch, service);
    watch.list.resourceVersion = version;
    watch.list.timeoutSeconds = kSecondsToWait;
    bool found = false;
    transport_->Watch(watch, nullptr, [&](const epslice::WatchEvent&) {
      found = right(OfService(service));
      return !found;
    });
    return found;
  }

  void Delete(const EndpointSlice& slice) {
    Request request = SliceRequest(Verb::kDelete, "");
    request.list = {};
    request.name = slice.metadata.name.str();
    Check(transport_->Do(request, nullptr).status.ok(), "a slice is deleted by hand");
  }

 private:
  static Request SliceRequest(Verb verb, const std::string& service) {
    Request request;
    request.verb = verb;
    request.kind = epslice::Kind::kEndpointSlice;
    request.namespace_ = "shop";
    request.list.labelSelector = std::string(epslice::kLabelServiceName) + "=" + service;
    return request;
  }

  std::pair<Slices, std::string> Get(const Request& request) {
    const epslice::Response response = transport_->Do(request, nullptr);
    Slices slices;
    for (const epslice::AnyObject& item : response.list.items) slices.push_back(item.As<EndpointSlice>());
    return {slices, response.list.resourceVersion};
  }

  const epslice::RealClock clock_;
  std::unique_ptr<epslice::HttpTransport> transport_;
};

// Ours, with these addresses and nothing that only a pod's endpoint has.
bool Have(const Slices& slices, const std::set<std::string>& addresses) {
  std::multiset<std::string> found;
  for (const auto& slice : slices) {
    if (slice->metadata.labels.Get(epslice::kLabelManagedBy) != kName || slice->addressType != "IPv4") return false;
    for (const epslice::Endpoint& endpoint : slice->endpoints) {
      if (endpoint.targetRef || !endpoint.nodeName.empty() || endpoint.conditions.ready != true) return false;
      for (const epslice::Text& address : endpoint.addresses) found.insert(address.str());
    }
  }
  return found == std::multiset<std::string>(addresses.begin(), addresses.end());
}

std::map<std::string, std::string> Versions(const Slices& slices) {
  std::map<std::string, std::string> versions;
  for (const auto& slice : slices) versions[slice->metadata.name.str()] = slice->metadata.resourceVersion.str();
  return versions;
}

// At once, as an editor does.
void Write(const std::string& file, const std::string& text) {
  std::ofstream(file + ".new") << text;
  std::filesystem::rename(file + ".new", file);
}

// Of two processes one works; the other does once the first has ended.
void CheckReplicas(const std::string& replica, const std::string& kubeconfig) {
  Child first({replica, kubeconfig});
  Check(first.Says("Leading: lease shop/one-of-several, identity "), "a replica leads");
  Check(first.Says("here is shop/ledger"), "and works");
  Child second({replica, kubeconfig});
  Check(second.Says("Another replica leads: lease shop/one-of-several, leader "), "another one stands by");
  Check(first.Terminate() == 0, "SIGTERM ends the first");
  Check(first.Says("Gave the lease back"), "which gives the Lease back");
  Check(second.Says("Leading: "), "the other leads");
  Check(second.Says("here is shop/ledger"), "and works");
  Check(second.Terminate() == 0, "SIGTERM ends it");
}

int Run(const std::string& simulator, const std::string& controller, const std::string& replica,
        const std::string& dump, const std::string& folder) {
  const std::string kubeconfig = folder + "/kubeconfig", lists = folder + "/lists.yaml";
  std::filesystem::create_directories(folder);
  Child server(
      {simulator, "serve", "-f", dump, "--listen", "127.0.0.1:0", "--self-signed", "--write-kubeconfig", kubeconfig});
  const std::string greeting = server.ReadLine();
  Check(greeting.rfind("serving https://", 0) == 0, "the API server: " + greeting);
  if (failures != 0) return 1;
  Cluster cluster(kubeconfig);

  // The IPv6 address has no place in a Service with IPv4 only.
  Write(lists, "shop/ledger: [192.0.2.10, 192.0.2.11, 2001:db8::1]\nshop/web: [192.0.2.99]\n");
  auto child = std::make_unique<Child>(std::vector<std::string>{controller, kubeconfig, lists, kName});
  Check(cluster.Await("ledger",
                      [](const Slices& s) {
                        return Have(s, {"192.0.2.10", "192.0.2.11"});
                      }),
        "two addresses are in a slice");
  Check(cluster.OfService("ledger").size() == 1, "it is one slice");

  std::set<std::string> many;
  std::string text = "shop/ledger: [";
  for (int i = 0; i < 150; ++i) {
    const std::string address = "198.51.100." + std::to_string(i);
    many.insert(address);
    text += (i == 0 ? "" : ", ") + address;
  }
  text += "]\n";
  Write(lists, text);
  Check(cluster.Await("ledger", [&](const Slices& s) { return Have(s, many) && s.size() == 2; }),
        "150 addresses are in two slices");

  Write(lists, "shop/ledger: [192.0.2.999]\n");
  Check(child->Says("\"192.0.2.999\" is no address; the list before it stays"), "a list that is none is told of");
  Check(Have(cluster.OfService("ledger"), many), "and changes nothing");

  cluster.Delete(*cluster.OfService("ledger")[0]);
  Check(cluster.Await("ledger", [&](const Slices& s) { return Have(s, many); }), "a deleted slice comes back");

  const auto versions = Versions(cluster.OfService("ledger"));
  Check(child->Terminate() == 0, "SIGTERM ends it");
  text += "shop/mail: [203.0.113.25]\n";
  Write(lists, text);
  child = std::make_unique<Child>(std::vector<std::string>{controller, kubeconfig, lists, kName});
  Check(cluster.Await("mail", [](const Slices& s) { return Have(s, {"203.0.113.25"}); }),
        "a second one finds another Service");
  Check(Versions(cluster.OfService("ledger")) == versions, "and leaves slices alone that are right");

  Write(lists, "shop/mail: [203.0.113.25]\n");
  Check(cluster.Await("ledger", [](const Slices& s) { return s.empty(); }), "a Service off the list has no slices");
  Check(cluster.OfService("web").empty(), "a Service with a selector was left alone");
  Check(child->Terminate() == 0, "SIGTERM ends it");
  CheckReplicas(replica, kubeconfig);
  Check(server.Terminate() == 0, "and the API server");
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: end_to_end SIMULATOR CONTROLLER REPLICA CLUSTER FOLDER\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return Run(argv[1], argv[2], argv[3], argv[4], argv[5]);
}
