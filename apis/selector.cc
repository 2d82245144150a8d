#include "apis/selector.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/names.h"

namespace epslice {
namespace {

// A selector comes in a URL, which servers bound far below this.
constexpr std::size_t kMaxSelectorBytes = std::size_t{64} << 10;

absl::Status Malformed(std::string_view what, std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(Cat({what, " ", QuoteForError(text, 256), ": ", why}));
}

std::optional<std::int64_t> ToInt64(std::string_view s) {
  std::int64_t value = 0;
  const auto result = std::from_chars(s.data(), s.data() + s.size(), value);
  if (result.ec != std::errc() || result.ptr != s.data() + s.size()) return std::nullopt;
  return value;
}

struct Token {
  enum class Type { kEnd, kWord, kSymbol };
  Type type = Type::kEnd;
  std::string_view text;

  bool Is(std::string_view symbol) const { return type == Type::kSymbol && text == symbol; }
  bool is_word() const { return type == Type::kWord; }
  bool is_end() const { return type == Type::kEnd; }
  std::string Describe() const { return is_end() ? "the end" : QuoteForError(text); }
};

// Splits into words and the symbols ( ) , ! = == != > <; spaces separate.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) { Advance(); }
  const Token& Peek() const { return next_; }
  Token Take() {
    Token t = next_;
    Advance();
    return t;
  }

 private:
  static constexpr std::string_view kSpaces = " \t\r\n";
  static constexpr std::string_view kSymbols = "()!,=<>";

  void Advance() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size()));
    if (rest_.empty()) {
      next_ = Token{};
      return;
    }
    std::size_t size = 1;
    Token::Type type = Token::Type::kSymbol;
    if (kSymbols.find(rest_.front()) == std::string_view::npos) {
      type = Token::Type::kWord;
      while (size < rest_.size() && kSpaces.find(rest_[size]) == std::string_view::npos &&
             kSymbols.find(rest_[size]) == std::string_view::npos) {
        ++size;
      }
    } else if (rest_.substr(0, 2) == "==" || rest_.substr(0, 2) == "!=") {
      size = 2;
    }
    next_ = Token{type, rest_.substr(0, size)};
    rest_.remove_prefix(size);
  }

  std::string_view rest_;
  Token next_;
};

// Recursive descent over the grammar of apimachinery's labels.Parse.
class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text), lexer_(text) {}

  absl::StatusOr<std::vector<LabelRequirement>> Parse() {
    std::vector<LabelRequirement> requirements;
    if (lexer_.Peek().is_end()) return requirements;
    while (true) {
      LabelRequirement requirement;
      if (absl::Status s = ParseRequirement(&requirement); !s.ok()) return s;
      requirements.push_back(std::move(requirement));
      const Token separator = lexer_.Take();
      if (separator.is_end()) return requirements;
      if (!separator.Is(",")) return Unexpected(separator, "',' or the end");
    }
  }

 private:
  using Op = LabelRequirement::Op;

  absl::Status Unexpected(const Token& found, std::string_view expected) const {
    return Malformed("label selector", text_, Cat({"found ", found.Describe(), ", expected ", expected}));
  }

  absl::Status ParseRequirement(LabelRequirement* r) {
    const bool negated = lexer_.Peek().Is("!");
    if (negated) lexer_.Take();
    const Token key = lexer_.Take();
    if (!key.is_word()) return Unexpected(key, negated ? "a label key after '!'" : "a label key or '!'");
    if (!IsQualifiedName(key.text)) {
      return Malformed("label selector", text_,
                       Cat({QuoteForError(key.text), " is no label key; accepted is [prefix/]name, the prefix a DNS ",
                            "subdomain, the name up to 63 of A-Z a-z 0-9 - _ ."}));
    }
    r->key = std::string(key.text);
    r->op = negated ? Op::kDoesNotExist : Op::kExists;
    if (negated || lexer_.Peek().is_end() || lexer_.Peek().Is(",")) return absl::OkStatus();
    if (absl::Status s = ParseOperator(&r->op); !s.ok()) return s;
    const bool set = r->op == Op::kIn || r->op == Op::kNotIn;
    if (absl::Status s = set ? ParseSet(&r->values) : ParseValue(&r->values); !s.ok()) return s;
    return CheckValues(*r);
  }

  absl::Status ParseOperator(Op* op) {
    static constexpr std::pair<std::string_view, Op> kOps[] = {
        {"=", Op::kEquals},   {"==", Op::kEquals}, {"!=", Op::kNotEquals}, {">", Op::kGreaterThan},
        {"<", Op::kLessThan}, {"in", Op::kIn},     {"notin", Op::kNotIn}};
    const Token t = lexer_.Take();
    for (const auto& [text, known] : kOps) {
      if (!t.is_end() && t.text == text) {
        *op = known;
        return absl::OkStatus();
      }
    }
    return Unexpected(t, "one of = == != in notin > <");
  }

  // One value, or none, which is the empty one.
  absl::Status ParseValue(std::vector<std::string>* values) {
    if (lexer_.Peek().is_end() || lexer_.Peek().Is(",")) {
      values->emplace_back();
      return absl::OkStatus();
    }
    const Token value = lexer_.Take();
    if (!value.is_word()) return Unexpected(value, "a label value");
    values->emplace_back(value.text);
    return absl::OkStatus();
  }

  // "(a,b)"; an empty place between commas or beside a bracket is the empty
  // value, but "()" is no set.
  absl::Status ParseSet(std::vector<std::string>* values) {
    const Token open = lexer_.Take();
    if (!open.Is("(")) return Unexpected(open, "'('");
    if (lexer_.Peek().Is(")")) return Unexpected(lexer_.Peek(), "a label value: the set must not be empty");
    while (true) {
      std::string_view value;
      if (lexer_.Peek().is_word()) value = lexer_.Take().text;
      values->emplace_back(value);
      const Token t = lexer_.Take();
      if (t.Is(")")) break;
      if (!t.Is(",")) return Unexpected(t, "',' or ')'");
    }
    std::sort(values->begin(), values->end());
    values->erase(std::unique(values->begin(), values->end()), values->end());
    return absl::OkStatus();
  }

  absl::Status CheckValues(const LabelRequirement& r) const {
    const bool ordered = r.op == Op::kGreaterThan || r.op == Op::kLessThan;
    for (const std::string& value : r.values) {
      if (ordered && !ToInt64(value)) {
        return Malformed("label selector", text_, Cat({QuoteForError(value), " is no integer, which > and < compare"}));
      }
      if (!IsLabelValue(value)) {
        return Malformed("label selector", text_,
                         Cat({QuoteForError(value), " is no label value; accepted is up to 63 of A-Z a-z 0-9 - _ ., ",
                              "a letter or digit at both ends"}));
      }
    }
    return absl::OkStatus();
  }

  std::string_view text_;
  Lexer lexer_;
};

bool MatchesRequirement(const LabelRequirement& r, const StringMap& labels) {
  using Op = LabelRequirement::Op;
  const Text* value = labels.Find(r.key);
  const auto listed = [&] { return std::binary_search(r.values.begin(), r.values.end(), value->view()); };
  switch (r.op) {
    case Op::kExists: return value != nullptr;
    case Op::kDoesNotExist: return value == nullptr;
    case Op::kEquals:
    case Op::kIn: return value != nullptr && listed();
    case Op::kNotEquals:
    case Op::kNotIn: return value == nullptr || !listed();
    case Op::kGreaterThan:
    case Op::kLessThan: break;
  }
  if (value == nullptr || r.values.size() != 1) return false;
  const std::optional<std::int64_t> have = ToInt64(value->view());
  const std::optional<std::int64_t> bound = ToInt64(r.values.front());
  if (!have || !bound) return false;
  return r.op == Op::kGreaterThan ? *have > *bound : *have < *bound;
}

// The text up to the first comma that no backslash escapes; takes it and the
// comma from `*rest`.
std::string_view TakeTerm(std::string_view* rest) {
  std::size_t end = 0;
  while (end < rest->size() && (*rest)[end] != ',') end += (*rest)[end] == '\\' ? 2 : 1;
  end = std::min(end, rest->size());
  const std::string_view term = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return term;
}

// Undoes the escapes \\ \, \= of a field's value; nullopt for any other, and
// for a bare '='.
std::optional<std::string> Unescape(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '=' || s[i] == ',') return std::nullopt;
    if (s[i] == '\\') {
      ++i;
      if (i == s.size() || (s[i] != '\\' && s[i] != ',' && s[i] != '=')) return std::nullopt;
    }
    out.push_back(s[i]);
  }
  return out;
}

}  // namespace

bool MatchesLabels(const StringMap& match_labels, const StringMap& labels) {
  // Both are sorted by key: one walk over each.
  if (match_labels.size() > labels.size()) return false;
  const StringMap::Entry* have = labels.begin();
  for (const auto& [key, value] : match_labels) {
    while (have != labels.end() && have->first < key) ++have;
    if (have == labels.end() || have->first != key || have->second != value) return false;
    ++have;
  }
  return true;
}

absl::StatusOr<LabelSelector> LabelSelector::Parse(std::string_view text) {
  if (text.size() > kMaxSelectorBytes) {
    return Malformed("label selector", text, Cat({"is longer than ", std::to_string(kMaxSelectorBytes), " bytes"}));
  }
  absl::StatusOr<std::vector<LabelRequirement>> requirements = LabelParser(text).Parse();
  if (!requirements.ok()) return requirements.status();
  LabelSelector selector;
  selector.requirements_ = *std::move(requirements);
  return selector;
}

bool LabelSelector::Matches(const StringMap& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const LabelRequirement& r) { return MatchesRequirement(r, labels); });
}

absl::StatusOr<std::vector<FieldRequirement>> ParseFieldSelector(std::string_view text) {
  constexpr std::string_view kWhat = "field selector";
  if (text.size() > kMaxSelectorBytes) {
    return Malformed(kWhat, text, Cat({"is longer than ", std::to_string(kMaxSelectorBytes), " bytes"}));
  }
  std::vector<FieldRequirement> requirements;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view term = TakeTerm(&rest);
    if (term.empty()) continue;
    const std::size_t equals = term.find('=');
    if (equals == std::string_view::npos) {
      return Malformed(kWhat, text, Cat({QuoteForError(term), " has none of = == !="}));
    }
    FieldRequirement requirement;
    requirement.negated = equals > 0 && term[equals - 1] == '!';
    requirement.field = std::string(term.substr(0, equals - (requirement.negated ? 1 : 0)));
    if (requirement.field.empty()) return Malformed(kWhat, text, Cat({QuoteForError(term), " names no field"}));
    const bool doubled = !requirement.negated && term.substr(equals, 2) == "==";
    std::optional<std::string> value = Unescape(term.substr(equals + (doubled ? 2 : 1)));
    if (!value) {
      return Malformed(kWhat, text,
                       Cat({QuoteForError(term), " has a '=' or a backslash in its value; accepted are \\= \\, \\\\"}));
    }
    requirement.value = *std::move(value);
    requirements.push_back(std::move(requirement));
  }
  return requirements;
}

}  // namespace epslice
