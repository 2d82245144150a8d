#include "sim/trace/byte_source.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"

namespace epslice::sim {
namespace {

class StreamSource : public ByteSource {
 public:
  explicit StreamSource(std::istream* in) : in_(in) {}
  StreamSource(std::unique_ptr<std::istream> in, InputBytes* bytes)
      : owned_(std::move(in)), in_(owned_.get()), bytes_(bytes) {}

  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    try {
      errno = 0;
      in_->read(buffer, static_cast<std::streamsize>(size));
      if (in_->bad()) return FileError(errno == 0 ? EIO : errno);
      if (bytes_ != nullptr) bytes_->read += in_->gcount();
      return static_cast<std::size_t>(in_->gcount());
    } catch (const std::exception& e) {
      return absl::InvalidArgumentError(Concat("cannot be read: ", e.what()));
    }
  }

 private:
  const std::unique_ptr<std::istream> owned_;
  std::istream* const in_;
  InputBytes* const bytes_ = nullptr;
};

class TextSource : public ByteSource {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    const std::size_t n = std::min(size, text_.size() - at_);
    std::memcpy(buffer, text_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  const std::string text_;
  std::size_t at_ = 0;
};

class Prefixed : public ByteSource {
 public:
  Prefixed(std::string head, std::unique_ptr<ByteSource> rest) : head_(std::move(head)), rest_(std::move(rest)) {}
  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    if (at_ == head_.size()) {
      head_ = std::string();
      at_ = 0;
      return rest_->Read(buffer, size);
    }
    const std::size_t n = std::min(size, head_.size() - at_);
    std::memcpy(buffer, head_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string head_;
  std::size_t at_ = 0;
  const std::unique_ptr<ByteSource> rest_;
};

}  // namespace

absl::Status FileError(int error) {
  switch (error) {
    case ENOENT: return absl::NotFoundError("there is no such file or directory");
    case EACCES: return absl::PermissionDeniedError("may not be read (permission denied)");
    default: return absl::InvalidArgumentError(Concat("cannot be read: ", std::generic_category().message(error)));
  }
}

std::unique_ptr<ByteSource> PrefixedSource(std::string head, std::unique_ptr<ByteSource> rest) {
  return std::make_unique<Prefixed>(std::move(head), std::move(rest));
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& file, std::istream* standard_input,
                                                           InputBytes* bytes) {
  if (file == "-") {
    if (bytes != nullptr) bytes->known = false;
    return Decompressing(std::make_unique<StreamSource>(standard_input != nullptr ? standard_input : &std::cin));
  }
  errno = 0;
  auto in = std::make_unique<std::ifstream>(file, std::ios::binary);
  if (!*in) return FileError(errno == 0 ? EIO : errno);
  if (bytes != nullptr) {
    std::error_code error;
    const bool sized = std::filesystem::is_regular_file(file, error);
    const std::uintmax_t size = sized ? std::filesystem::file_size(file, error) : 0;
    bytes->known &= sized && !error;
    if (!error) bytes->total += static_cast<std::int64_t>(size);
  }
  return Decompressing(std::make_unique<StreamSource>(std::move(in), bytes));
}

absl::StatusOr<std::unique_ptr<ByteSource>> TextByteSource(std::string_view text) {
  return Decompressing(std::make_unique<TextSource>(text));
}

}  // namespace epslice::sim
