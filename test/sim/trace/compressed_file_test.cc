#include "sim/trace/compressed_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "sim/trace/byte_source.h"

namespace epslice::sim {
namespace {

std::string BytesOf(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// What can be decompressed; `whole`: nothing is missing.
std::string TextOf(const std::string& bytes, bool* whole) {
  auto source = TextByteSource(bytes);
  std::string text;
  char buffer[4096];
  while (source.ok()) {
    const absl::StatusOr<std::size_t> n = (*source)->Read(buffer, sizeof(buffer));
    *whole = n.ok();
    if (!n.ok() || *n == 0) break;
    text.append(buffer, *n);
  }
  return text;
}

TEST(CompressedFileTest, WhatWasFlushedCanBeReadBeforeTheEndIsThere) {
  std::string much;
  for (int i = 0; i < 30'000; ++i) much += "line " + std::to_string(i * 7919) + "\n";  // several buffers
  for (const std::string end : {"", ".gz", ".zst", ".xz"}) {
    SCOPED_TRACE(end);
    const std::string name = testing::TempDir() + "compressed_file_test" + end;
    auto file = OpenOutputFile(name);
    ASSERT_TRUE(file.ok());
    bool whole = false;
    std::string want;
    for (const std::string& part : {std::string("first\n"), much, std::string("last\n")}) {
      (*file)->stream() << part << std::flush;
      want += part;
      const std::string bytes = BytesOf(name);
      EXPECT_EQ(TextOf(bytes, &whole), want);
      EXPECT_EQ(whole, end.empty());
      (*file)->stream() << std::flush;
      EXPECT_EQ(BytesOf(name), bytes) << "a flush of nothing writes nothing";
    }
    (*file)->stream() << "not flushed";
    ASSERT_TRUE((*file)->Close().ok());
    EXPECT_EQ(TextOf(BytesOf(name), &whole), want + "not flushed");
    EXPECT_TRUE(whole);
    std::remove(name.c_str());
  }
}

}  // namespace
}  // namespace epslice::sim
