#include "sim/trace/json_lines.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

namespace epslice::sim {
namespace {

constexpr std::size_t kNotFound = std::string_view::npos;
constexpr int kMaxListDepth = 16;

class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  // Where the object of the given number begins.
  std::size_t FindObject(std::size_t index) {
    left_ = index;
    std::size_t at = 0;
    while ((at = SkipTo(at, '{')) != kNotFound) {
      if (const std::size_t found = Visit(at, 0); found != kNotFound) return found;
      at = EndOfValue(at);
    }
    return kNotFound;
  }

  // The value below `at` that `path` leads to, or the last one on the way.
  std::size_t FindField(std::size_t at, std::string_view path) const {
    while (!path.empty()) {
      std::size_t next = kNotFound;
      std::size_t taken = 0;
      if (text_[at] == '{') {
        ForEachMember(at, [&](std::string_view key, std::size_t value) {
          if (key.size() < taken || path.substr(0, key.size()) != key) return;
          if (path.size() > key.size() && path[key.size()] != '.' && path[key.size()] != '[') return;
          next = value;
          taken = key.size();
        });
      } else if (text_[at] == '[' && path[0] == '[') {
        std::size_t wanted = 0;
        const char* end = path.data() + path.size();
        const auto [stop, error] = std::from_chars(path.data() + 1, end, wanted);
        if (error != std::errc() || stop == end || *stop != ']') return at;
        taken = static_cast<std::size_t>(stop - path.data()) + 1;
        std::size_t i = 0;
        ForEachItem(at, [&](std::size_t value) {
          if (i++ == wanted) next = value;
        });
      }
      if (next == kNotFound || next >= text_.size()) return at;
      at = next;
      path.remove_prefix(taken);
      if (!path.empty() && path[0] == '.') path.remove_prefix(1);
    }
    return at;
  }

 private:
  std::size_t SkipTo(std::size_t at, char c) const { return at >= text_.size() ? kNotFound : text_.find(c, at); }
  std::size_t SkipSpace(std::size_t at) const {
    const std::size_t next = at >= text_.size() ? kNotFound : text_.find_first_not_of(" \t\r\n", at);
    return next == kNotFound ? text_.size() : next;
  }

  // Behind the string that begins at `at`.
  std::size_t EndOfString(std::size_t at) const {
    for (std::size_t i = at + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '"') {
        return i + 1;
      }
    }
    return text_.size();
  }

  std::size_t EndOfValue(std::size_t at) const {
    std::size_t depth = 0;
    while (at < text_.size()) {
      switch (text_[at]) {
        case '"': at = EndOfString(at); break;
        case '{':
        case '[':
          ++depth;
          ++at;
          break;
        case '}':
        case ']':
          if (depth == 0) return at;
          --depth;
          ++at;
          break;
        default:
          if (depth == 0) {
            at = std::min(text_.find_first_of(" \t\r\n,]}", at), text_.size());
            return at;
          }
          ++at;
          continue;
      }
      if (depth == 0) return at;
    }
    return text_.size();
  }

  void ForEachMember(std::size_t at, const std::function<void(std::string_view, std::size_t)>& visit) const {
    at = SkipSpace(at + 1);
    while (at < text_.size() && text_[at] == '"') {
      const std::size_t end = EndOfString(at);
      if (end < at + 2) return;
      const std::string_view key = text_.substr(at + 1, end - at - 2);
      at = SkipSpace(end);
      if (at >= text_.size() || text_[at] != ':') return;
      at = SkipSpace(at + 1);
      visit(key, at);
      at = SkipSpace(EndOfValue(at));
      if (at >= text_.size() || text_[at] != ',') return;
      at = SkipSpace(at + 1);
    }
  }

  void ForEachItem(std::size_t at, const std::function<void(std::size_t)>& visit) const {
    at = SkipSpace(at + 1);
    while (at < text_.size() && text_[at] != ']') {
      visit(at);
      at = SkipSpace(EndOfValue(at));
      if (at >= text_.size() || text_[at] != ',') return;
      at = SkipSpace(at + 1);
    }
  }

  // Counts down to the wanted object, as VisitDumpJson() counts up.
  std::size_t Visit(std::size_t at, int depth) {
    std::string_view kind;
    std::size_t items = kNotFound;
    ForEachMember(at, [&](std::string_view key, std::size_t value) {
      if (key == "kind" && value < text_.size() && text_[value] == '"') {
        kind = text_.substr(value + 1, EndOfString(value) - value - 2);
      } else if (key == "items" && value < text_.size() && text_[value] == '[') {
        items = value;
      }
    });
    constexpr std::string_view kList = "List";
    const bool list = kind.size() >= kList.size() && kind.substr(kind.size() - kList.size()) == kList;
    if (!list || items == kNotFound || depth >= kMaxListDepth) return left_-- == 0 ? at : kNotFound;
    std::size_t found = kNotFound;
    ForEachItem(items, [&](std::size_t item) {
      if (found == kNotFound && text_[item] == '{') found = Visit(item, depth + 1);
    });
    return found;
  }

  std::string_view text_;
  std::size_t left_ = 0;
};

}  // namespace

std::size_t LineOfDumpObject(std::string_view json, std::size_t index, std::string_view field) {
  Walker walker(json);
  std::size_t at = walker.FindObject(index);
  if (at == kNotFound) return 0;
  at = walker.FindField(at, field);
  return 1 + static_cast<std::size_t>(std::count(json.begin(), json.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

std::string_view FieldOfMessage(std::string_view message) {
  const std::size_t begin = message.find(": ");
  if (begin == std::string_view::npos) return {};
  const std::size_t end = message.find(": ", begin + 2);
  return end == std::string_view::npos ? std::string_view() : message.substr(begin + 2, end - begin - 2);
}

}  // namespace epslice::sim
