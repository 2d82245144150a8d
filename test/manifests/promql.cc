#include "test/manifests/promql.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace epslice::manifests {
namespace {

bool StartsName(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':'; }
bool InName(char c) { return StartsName(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  PromExpression Read() {
    while (result_.error.empty() && (SkipSpace(), at_ < text_.size())) Step();
    if (result_.error.empty() && depth_ != 0) result_.error = "a parenthesis is not closed";
    return std::move(result_);
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  char Peek() {
    SkipSpace();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  std::string Name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && InName(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  // What is between quotes, which the reader stands at.
  std::string Quoted() {
    const char quote = text_[at_++];
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) value += text_[at_++];
    }
    if (at_ == text_.size()) result_.error = "a string is not closed";
    ++at_;
    return value;
  }

  void Step() {
    const char c = text_[at_];
    if (StartsName(c)) return Identifier();
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      while (at_ < text_.size() && (InName(text_[at_]) || text_[at_] == '.')) ++at_;
      return;
    }
    if (c == '"' || c == '\'') {
      Quoted();
      return;
    }
    if (c == '[') {
      at_ = text_.find(']', at_);
      if (at_ == std::string_view::npos) {
        result_.error = "a range is not closed";
        at_ = text_.size();
        return;
      }
    } else if (c == '(') {
      ++depth_;
    } else if (c == ')') {
      if (--depth_ < 0) result_.error = "a parenthesis too many";
    } else if (std::string_view("+-*/%^<>=!,").find(c) == std::string_view::npos) {
      result_.error = std::string("unexpected '") + c + "'";
    }
    ++at_;
  }

  void Identifier() {
    static const std::set<std::string> kGrouping = {"by", "without", "on", "ignoring", "group_left", "group_right"};
    static const std::set<std::string> kWords = {"and", "or", "unless", "bool", "offset", "inf", "nan"};
    std::string name = Name();
    if (kGrouping.count(name) != 0) {
      if (Peek() == '(') Grouping();
    } else if (kWords.count(name) != 0) {
      return;
    } else if (Peek() == '(') {
      result_.functions.insert(std::move(name));
    } else if (!AfterFunction(name)) {
      PromSelector selector;
      selector.name = std::move(name);
      if (Peek() == '{') Matchers(&selector);
      result_.selectors.push_back(std::move(selector));
    }
  }

  // `sum by (x) (...)`: the function's parenthesis comes later.
  bool AfterFunction(const std::string& name) {
    const std::size_t back = at_;
    const std::string next = StartsName(Peek()) ? Name() : "";
    const bool function = next == "by" || next == "without";
    at_ = back;
    if (function) result_.functions.insert(name);
    return function;
  }

  void Grouping() {
    ++at_;
    while (Peek() != ')' && at_ < text_.size()) {
      if (!StartsName(text_[at_])) {
        ++at_;
        continue;
      }
      result_.grouping.insert(Name());
    }
    ++at_;
  }

  void Matchers(PromSelector* selector) {
    ++at_;
    while (result_.error.empty() && Peek() != '}') {
      const std::string label = Name();
      while (at_ < text_.size() && std::string_view("=!~ ").find(text_[at_]) != std::string_view::npos) ++at_;
      if (label.empty() || (Peek() != '"' && Peek() != '\'')) {
        result_.error = "a matcher that is none in {} of " + selector->name;
        return;
      }
      selector->matchers[label] = Quoted();
      if (Peek() == ',') ++at_;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  PromExpression result_;
};

}  // namespace

PromExpression ReadPromQl(std::string_view text) { return Reader(text).Read(); }

std::map<std::string, std::set<std::string>> SeriesOf(std::string_view exposition) {
  std::map<std::string, std::set<std::string>> series;
  while (!exposition.empty()) {
    const std::size_t end = std::min(exposition.find('\n'), exposition.size());
    const std::string_view line = exposition.substr(0, end);
    exposition.remove_prefix(std::min(end + 1, exposition.size()));
    if (line.empty() || line[0] == '#') continue;
    const std::size_t value = line.rfind(' ');
    const PromExpression one = ReadPromQl(line.substr(0, value));
    for (const PromSelector& selector : one.selectors) {
      std::set<std::string>& labels = series[selector.name];
      for (const auto& [label, unused] : selector.matchers) labels.insert(label);
    }
  }
  return series;
}

}  // namespace epslice::manifests
