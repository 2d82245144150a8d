#include "controllers/manager/header_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace epslice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(HeaderFieldsTest, ReadsThemAsTheyAre) {
  const auto fields = HeaderFields::Parse(
      "GET / HTTP/1.1\r\nHost: a\r\nX-Remote-Group: one\r\nx-remote-GROUP:\t two, three \r\nX-Remote-User: a%2Cb+c\r\n"
      "Empty:\r\nX-Remote-Group:\r\n\r\n");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->Get("x-remote-user"), "a%2Cb+c") << "nothing is decoded";
  EXPECT_EQ(fields->Get("X-REMOTE-GROUP"), "one");
  EXPECT_THAT(fields->All("X-Remote-Group"), ElementsAre("one", "two, three", ""));
  EXPECT_EQ(fields->Get("empty"), "");
  EXPECT_EQ(fields->Get("missing"), "");
  EXPECT_THAT(fields->All("missing"), IsEmpty());
  EXPECT_THAT(fields->all().at(2), Pair("x-remote-GROUP", "two, three"));
  EXPECT_THAT(HeaderFields::Parse("GET / HTTP/1.1\r\n\r\n")->all(), IsEmpty());
}

// What two readers could take for two things.
TEST(HeaderFieldsTest, RefusesTheRest) {
  for (const std::string& line :
       {std::string("no colon\r\n"), std::string(": no name\r\n"), std::string("X-Remote-User : root\r\n"),
        std::string(" X-Remote-User: root\r\n"), std::string("A: b\r\n goes on\r\n"), std::string("A: b\nC: d\r\n"),
        std::string("A: b\rC: d\r\n"), std::string("A: b\0c\r\n", 8), std::string("A\0: b\r\n", 7),
        std::string("X-Remote-\xc3\x9cser: root\r\n"), std::string("A: b\x7f\r\n"), std::string("A(b): c\r\n")}) {
    EXPECT_FALSE(HeaderFields::Parse("GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n")) << line;
  }
  for (const char* head : {"", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nA: b\r\n", "\n\r\n"}) {
    EXPECT_FALSE(HeaderFields::Parse(head)) << head;
  }
}

}  // namespace
}  // namespace epslice
