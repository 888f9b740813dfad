// The server itself: what it speaks, whether it lives and is ready.
#pragma once

#include "surfaces/inference/house.h"
#include "surfaces/inference/wire.h"

namespace toll::open_inference {

struct GetServer : Endpoint {
  using Request = Nothing;
  using Response = ServerView;
  static constexpr Route route{Method::get, "/v2"};
  static constexpr std::string_view id = "inference.server", summary = "The server and what it speaks";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::here;
  static Result<Response> handle(Call& call, const Request&) {
    return ServerView{"tollhouse", call.house.version, {"binary_tensor_data", "parameters"}};
  }
};

struct GetLive : Endpoint {
  using Request = Nothing;
  using Response = LiveView;
  static constexpr Route route{Method::get, "/v2/health/live"};
  static constexpr std::string_view id = "inference.live", summary = "Whether the server answers";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::here;
  static Result<Response> handle(Call&, const Request&) { return LiveView{true}; }
};

struct GetReady : Endpoint {
  using Request = Nothing;
  using Response = ServerReadyView;
  static constexpr Route route{Method::get, "/v2/health/ready"};
  static constexpr std::string_view id = "inference.ready", summary = "Whether models can be run";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::here;
  static constexpr std::array reasons{Reason::model_not_ready};
  static Result<Response> handle(Call& call, const Request&) {
    if (!call.house.can_run) return Fault(Reason::model_not_ready).with("model", "runtime (ONNX Runtime is missing)");
    return ServerReadyView{true};
  }
};

}  // namespace toll::open_inference
