#include "engine/frames.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

namespace toll::engine {
namespace {

std::string body(const std::string& framed) {
  return framed.substr(4);
}

TEST(Frames, carry_a_run_there) {
  RunFrame sent{7, "separation", R"({"a":"\u00e9"})", {"in"}, {"vocals", "drums"}, 2};
  auto parsed = parse_host_frame(body(encode(HostFrame(sent))));
  ASSERT_TRUE(parsed);
  auto& got = std::get<RunFrame>(*parsed);
  EXPECT_EQ(got.run, 7);
  EXPECT_EQ(got.engine, "separation");
  EXPECT_EQ(got.params, sent.params);
  EXPECT_EQ(got.inputs, sent.inputs);
  EXPECT_EQ(got.outputs, sent.outputs);
  EXPECT_EQ(got.descriptors(), 5u);
}

TEST(Frames, carry_progress_answer_and_fault_back) {
  auto progress = parse_worker_frame(body(encode(WorkerFrame(ProgressFrame{1, 0.25}))));
  EXPECT_EQ(std::get<ProgressFrame>(*progress).fraction, 0.25);
  auto done = parse_worker_frame(body(encode(WorkerFrame(DoneFrame{1, R"({"x":1})"}))));
  EXPECT_EQ(std::get<DoneFrame>(*done).answer, R"({"x":1})");
  auto failed = parse_worker_frame(
      body(encode(WorkerFrame(FailedFrame{1, Fault(Reason::audio_too_long).with("limit", "60").because("why")}))));
  EXPECT_EQ(std::get<FailedFrame>(*failed).fault.argument("limit"), "60");
  EXPECT_EQ(std::get<FailedFrame>(*failed).fault.cause(), "why");
}

TEST(Frames, refuse_what_a_worker_must_not_say) {
  for (const char* text : {
           "",
           "{",
           "[]",
           "null",
           "{}",
           R"({"type":"progress"})",
           R"({"type":"progress","run":-1,"fraction":0})",
           R"({"type":"progress","run":1.5,"fraction":0})",
           R"({"type":"progress","run":1,"fraction":2})",
           R"({"type":"progress","run":1,"fraction":-0.1})",
           R"({"type":"progress","run":1,"fraction":1e999})",
           R"({"type":"progress","run":1,"fraction":"0"})",
           R"({"type":"done","run":1})",
           R"({"type":"done","run":1,"answer":"[]"})",
           R"({"type":"done","run":1,"answer":"{"})",
           R"({"type":"done","run":1,"answer":{}})",
           R"({"type":"quit","run":1})",
           R"({"type":"run","run":1,"engine":"x","params":"{}","inputs":[],"outputs":[],"scratch":0})",
           R"({"type":"failed","run":1,"reason":"no_such_reason","arguments":{},"cause":""})",
           R"({"type":"failed","run":1,"reason":"insufficient_credits","arguments":{},"cause":""})",
           R"({"type":"failed","run":1,"reason":"worker_lost","arguments":{},"cause":""})",
           R"({"type":"failed","run":1,"reason":"internal","arguments":[],"cause":""})",
           R"({"type":"failed","run":1,"reason":"internal","arguments":{"a":1},"cause":""})",
           "{\"type\":\"done\",\"run\":1,\"answer\":\"\xff\"}",
       })
    EXPECT_FALSE(parse_worker_frame(text)) << text;
}

TEST(Frames, refuse_nesting_that_would_exhaust_the_stack) {
  std::string deep = R"({"type":"done","run":1,"x":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  EXPECT_FALSE(parse_worker_frame(deep));
}

TEST(Frames, refuse_more_descriptors_than_a_message_holds) {
  RunFrame sent{1, "e", "{}", {}, {}, max_descriptors};
  EXPECT_TRUE(parse_host_frame(body(encode(HostFrame(sent)))));
  sent.inputs = {"one more"};
  EXPECT_FALSE(parse_host_frame(body(encode(HostFrame(sent)))));
}

TEST(Frames, are_never_larger_than_the_other_side_takes) {
  RunFrame sent{1, "e", std::string(max_frame_bytes, 'x'), {}, {}, 0};
  EXPECT_THROW(encode(HostFrame(sent)), std::length_error);
}

TEST(FrameSplitter, finds_frames_however_the_bytes_are_cut) {
  std::string stream = encode(WorkerFrame(ProgressFrame{1, 0.5})) + encode(WorkerFrame(DoneFrame{1, "{}"}));
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    FrameSplitter splitter;
    std::string text;
    int frames = 0;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      splitter.append(std::string_view(stream).substr(at, step));
      while (splitter.next(text) == FrameSplitter::Next::frame) frames += parse_worker_frame(text).has_value();
    }
    EXPECT_EQ(frames, 2) << step;
  }
}

TEST(FrameSplitter, refuses_lengths_without_waiting_for_their_bytes) {
  std::string text;
  for (std::string length : {std::string(4, '\0'), std::string(4, '\xff'), std::string("\x01\x00\x10\x00", 4)}) {
    FrameSplitter splitter;
    splitter.append(length);
    EXPECT_EQ(splitter.next(text), FrameSplitter::Next::malformed);
  }
}

}  // namespace
}  // namespace toll::engine
