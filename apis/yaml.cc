#include "apis/yaml.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <streambuf>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/concat.h"
#include "apis/yaml_builder.h"

namespace epslice {
namespace {

constexpr std::size_t kChunk = std::size_t{64} << 10;

// A stream over bytes that are there anyway, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }
};

absl::Status LineError(int line, std::string_view what) {
  return absl::InvalidArgumentError(Concat("line ", line, ": ", what));
}

// One run of a parser, to the end of the text; or until the builder leaves it.
absl::Status Parse(std::streambuf* buffer, const YamlLimits& limits, YamlBuilder* builder) {
  try {
    std::istream stream(buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(*builder)) {
    }
  } catch (const YamlRefused& e) {
    return LineError(e.line(), e.what());
  } catch (const YAML::Exception& e) {
    // What follows a colon is of the text.
    return LineError(builder->LineOf(e.mark) + 1,
                     Concat("is no YAML: ", limits.quote_text ? e.msg : e.msg.substr(0, e.msg.find(':'))));
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(Concat("is no YAML: ", e.what()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> YamlToJson(std::string_view yaml, const YamlLimits& limits) {
  if (yaml.size() > limits.max_bytes) {
    return absl::InvalidArgumentError(Concat("is ", yaml.size(), " bytes of YAML; at most ", limits.max_bytes,
                                             " are read as YAML (JSON may be larger)"));
  }
  std::string json;
  ViewBuffer buffer(yaml);
  YamlBuilder builder(limits, &json, nullptr);
  if (absl::Status status = Parse(&buffer, limits, &builder); !status.ok()) return status;
  return json;
}

// The text of the run at hand is kept, since the parser reads ahead of the
// events it tells: another run goes on in the midst of what this one has read.
class YamlReader::Impl : private std::streambuf {
 public:
  Impl(Read read, const YamlLimits& limits, std::size_t piece_bytes)
      : read_(std::move(read)),
        limits_(limits),
        piece_bytes_(piece_bytes),
        builder_(limits_, &json_, [this](const YamlBreak& at) { return MayLeave(at); }) {
    Fill();
    if (text_.starts_with(kByteOrderMark)) text_.erase(0, kByteOrderMark.size());
  }

  absl::StatusOr<bool> Next(std::string* json) {
    if (done_) return false;
    line_offset_ = 0;
    setg(text_.data(), text_.data(), text_.data() + text_.size());
    absl::Status status;
    try {
      status = Parse(this, limits_, &builder_);
      done_ = true;
    } catch (const YamlBuilder::Left& left) {
      text_.erase(0, line_offset_);
      if (left.at.is_item) text_.insert(0, kYamlItems);
      begin_ = left.at;
      line_ = left.at.is_item ? left.at.line - 1 : left.at.line;
      builder_.Restart(left.at);
    }
    if (!status_.ok()) status = status_;
    if (!status.ok()) return status;
    json->append(std::exchange(json_, {}));
    return true;
  }

 private:
  // False at the end, or on an error.
  bool Fill() {
    if (ended_) return false;
    const std::size_t before = text_.size();
    text_.resize(before + kChunk);
    const absl::StatusOr<std::size_t> n = read_(text_.data() + before, kChunk);
    text_.resize(before + (n.ok() ? *n : 0));
    if (!n.ok()) {
      status_ = n.status();
    } else if (text_.size() > limits_.max_bytes) {
      status_ = LineError(begin_.line + 1, Concat("from here more than ", limits_.max_bytes,
                                                  " bytes of YAML would have to be read at once, the most that is "
                                                  "(JSON may be larger)"));
    }
    ended_ = !status_.ok() || text_.size() == before;
    directives_ = directives_ || HasDirective(before);
    return !ended_;
  }

  // A line, in what came last, that begins as directives do. They hold for the
  // document that follows, which then must be read in one run.
  bool HasDirective(std::size_t from) const {
    const std::string_view text = text_;
    if (text.starts_with('%')) return true;
    return text.find("\n%", from == 0 ? 0 : from - 1) != std::string_view::npos;
  }

  int_type underflow() override {
    const std::ptrdiff_t at = gptr() - eback();
    const bool more = Fill();
    // At the end, too: the text may have moved, and a parser may step back.
    setg(text_.data(), text_.data() + at, text_.data() + text_.size());
    return more ? traits_type::to_int_type(*gptr()) : traits_type::eof();
  }

  bool MayLeave(const YamlBreak& at) {
    if (directives_ || at.line <= begin_.line) return false;
    if (static_cast<std::size_t>(gptr() - eback()) < piece_bytes_) return false;
    // Lines come in order.
    for (; line_ < at.line; ++line_) {
      const std::size_t end = text_.find('\n', line_offset_);
      if (end == std::string::npos) return false;
      line_offset_ = end + 1;
    }
    const std::string_view line = std::string_view(text_).substr(line_offset_);
    if (!at.is_item) return line.starts_with("---");
    const auto column = static_cast<std::size_t>(at.column);
    return line.find_first_not_of(' ') == column && line.substr(column, 2) == "- ";
  }

  const Read read_;
  const YamlLimits limits_;
  const std::size_t piece_bytes_;
  std::string text_;  // of the run, as far as it was read
  std::string json_;
  YamlBuilder builder_;
  YamlBreak begin_;  // of the run
  // A line in text_, and where it begins.
  int line_ = 0;
  std::size_t line_offset_ = 0;
  bool ended_ = false;  // of the source
  bool done_ = false;
  bool directives_ = false;
  absl::Status status_;  // of the source
};

YamlReader::YamlReader(Read read, const YamlLimits& limits, std::size_t piece_bytes)
    : impl_(std::make_unique<Impl>(std::move(read), limits, piece_bytes)) {}

YamlReader::~YamlReader() = default;

absl::StatusOr<bool> YamlReader::Next(std::string* json) { return impl_->Next(json); }

}  // namespace epslice
