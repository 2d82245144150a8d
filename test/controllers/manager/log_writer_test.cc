#include "controllers/manager/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace epslice {
namespace {

// So long that it only ends a test that has failed anyway.
constexpr Duration kLong = std::chrono::minutes(5);

// Both ends of a pipe or a pair of sockets, and who reads one.
class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(pipe2(fds_.data(), O_CLOEXEC), 0);
  }
  ~LogWriterTest() override {
    CloseReader();
    close(fds_[1]);
  }
  void CloseReader() {
    if (fds_[0] >= 0) close(fds_[0]);
    fds_[0] = -1;
  }
  void UseSockets() {
    close(fds_[0]);
    close(fds_[1]);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_.data()), 0);
  }
  LogWriterOptions Options(std::size_t queue_bytes = 1 << 20) {
    LogWriterOptions options;
    options.fd = fds_[1];
    options.queue_bytes = queue_bytes;
    options.farewell = kLong;
    options.lost_line = [](std::int64_t lost) { return "lost " + std::to_string(lost) + "\n"; };
    return options;
  }
  // Until nothing more goes in: how much it was. As another process would that
  // shares what is behind the descriptor.
  std::size_t Fill() {
    const int flags = fcntl(fds_[1], F_GETFL);
    fcntl(fds_[1], F_SETFL, flags | O_NONBLOCK);
    std::size_t filled = 0;
    for (ssize_t size = 4096; size > 0;) {
      const std::string text(static_cast<std::size_t>(size), '.');
      const ssize_t n = write(fds_[1], text.data(), text.size());
      if (n > 0) filled += static_cast<std::size_t>(n);
      if (n <= 0) size /= 2;
    }
    fcntl(fds_[1], F_SETFL, flags);
    return filled;
  }
  // Exactly so much; waits for it.
  std::string Read(std::size_t size) {
    std::string out(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t n = read(fds_[0], out.data() + got, size - got);
      if (n <= 0) return out.substr(0, got);
      got += static_cast<std::size_t>(n);
    }
    return out;
  }
  // What is there, without waiting.
  std::string ReadNow() {
    fcntl(fds_[0], F_SETFL, O_NONBLOCK);
    std::string out(4096, '\0');
    const ssize_t n = read(fds_[0], out.data(), out.size());
    fcntl(fds_[0], F_SETFL, 0);
    return out.substr(0, n > 0 ? static_cast<std::size_t>(n) : 0);
  }

  std::array<int, 2> fds_{-1, -1};
};

TEST_F(LogWriterTest, ALineIsOutBeforeTheCallReturns) {
  for (const bool sockets : {false, true}) {
    SCOPED_TRACE(sockets);
    if (sockets) UseSockets();
    LogWriter writer(Options());
    for (int i = 0; i < 100; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      writer.Write(line);
      ASSERT_EQ(ReadNow(), line);
    }
    EXPECT_EQ(writer.lost(), 0);
  }
}

TEST_F(LogWriterTest, NobodyWaitsForAFullPipeAndNothingIsLost) {
  for (const bool sockets : {false, true}) {
    SCOPED_TRACE(sockets);
    if (sockets) UseSockets();
    LogWriter writer(Options());
    const std::size_t filled = Fill();
    std::string want;
    for (int i = 0; i < 5000; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      writer.Write(line);
      want += line;
    }
    EXPECT_FALSE(writer.Flush(Duration(0)));
    EXPECT_EQ(Read(filled + want.size()).substr(filled), want);
    EXPECT_TRUE(writer.Flush(kLong));
    EXPECT_EQ(writer.lost(), 0);
    writer.Write("at once again\n");
    EXPECT_EQ(ReadNow(), "at once again\n");
  }
}

TEST_F(LogWriterTest, WhatDoesNotFitIsLostCountedAndTold) {
  LogWriter writer(Options(/*queue_bytes=*/20));
  const std::size_t filled = Fill();
  writer.Write("one\n");
  writer.Write("two\n");
  writer.Write("of more than there is room for\n");
  writer.Write("a second\n");
  writer.Write("a third one\n");
  EXPECT_EQ(writer.lost(), 2);
  EXPECT_EQ(Read(filled + 31).substr(filled), "one\ntwo\nlost 1\na second\nlost 1\n");
  EXPECT_TRUE(writer.Flush(kLong));
  writer.Write("again\n");
  EXPECT_EQ(ReadNow(), "again\n") << "told once";
  EXPECT_EQ(writer.lost(), 2) << "for good, as a counter";
}

// A pipe that has room for a page has none for more.
TEST_F(LogWriterTest, ALineLongerThanThereIsRoomForIsNotWaitedFor) {
  LogWriter writer(Options());
  const std::size_t filled = Fill();
  EXPECT_EQ(Read(8192).size(), 8192U);
  const std::string line = std::string(50'000, 'x') + "\n";
  writer.Write(line);
  writer.Write("next\n");
  EXPECT_EQ(Read(filled - 8192 + line.size() + 5).substr(filled - 8192), line + "next\n");
}

TEST_F(LogWriterTest, AFileIsWrittenByTheThread) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    LogWriterOptions options = Options();
    options.fd = fileno(file);
    LogWriter writer(options);
    for (int i = 0; i < 1000; ++i) writer.Write("line\n");
  }
  EXPECT_EQ(lseek(fileno(file), 0, SEEK_CUR), 5000);
  std::fclose(file);
}

TEST_F(LogWriterTest, WhereNobodyReadsLinesAreCounted) {
  LogWriter writer(Options());
  CloseReader();
  for (int i = 1; i <= 3; ++i) {
    writer.Write("into the void\n");
    EXPECT_EQ(writer.lost(), i);
  }
  EXPECT_TRUE(writer.Flush(kLong));
}

TEST_F(LogWriterTest, TheReaderGoesWhileLinesWait) {
  LogWriter writer(Options());
  Fill();
  for (int i = 0; i < 3; ++i) writer.Write("waits\n");
  CloseReader();
  EXPECT_TRUE(writer.Flush(kLong));
  EXPECT_EQ(writer.lost(), 3);
}

TEST_F(LogWriterTest, TheEndDoesNotWaitForAFullPipeEither) {
  const std::size_t filled = Fill();
  {
    LogWriterOptions options = Options();
    options.farewell = Duration(0);
    LogWriter writer(std::move(options));
    writer.Write("late\n");
  }
  // By the thread that lives on.
  EXPECT_EQ(Read(filled + 5).substr(filled), "late\n");
}

TEST_F(LogWriterTest, AtTheEndWhatIsQueuedIsWritten) {
  std::string text;
  std::thread reader;
  const std::size_t filled = Fill();
  {
    LogWriter writer(Options());
    for (int i = 0; i < 100; ++i) writer.Write("queued\n");
    reader = std::thread([&] { text = Read(filled + 700); });
  }
  reader.join();
  EXPECT_EQ(text.size(), filled + 700);
}

TEST_F(LogWriterTest, LinesOfManyThreadsStayWhole) {
  constexpr int kThreads = 4;
  constexpr int kLines = 2500;  // that the queue has room for all
  const std::string line(79, 'x');
  LogWriter writer(Options());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kLines; ++i) writer.Write(line + "\n");
    });
  }
  const std::string text = Read(std::size_t{80} * kThreads * kLines);
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < text.size(); i += 80) ASSERT_EQ(text.substr(i, 80), line + "\n");
  EXPECT_EQ(writer.lost(), 0);
}

TEST(LostLineTest, IsOneOfTheLog) {
  const FakeClock clock(Timestamp{1'763'856'845'123'456'789});
  EXPECT_THAT(LostLine({LogFormat::kText, 0, 7}, &clock)(12),
              testing::MatchesRegex("W1123 00:14:05.123456       7 log_writer.cc:[0-9]+. \"Lines of the log were lost: "
                                    "standard error did not take them\" lines=12\n"));
}

}  // namespace
}  // namespace epslice
