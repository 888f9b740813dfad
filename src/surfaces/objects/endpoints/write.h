// PUT of an object or of a part of one, into the slot that its URL names.
#pragma once

#include "api/upload.h"
#include "base/digest.h"
#include "surfaces/objects/checksums.h"
#include "surfaces/objects/endpoints/read.h"
#include "surfaces/objects/house.h"

namespace toll::object_store {

struct WriteObject : Endpoint {
  struct Request {
    std::string bucket, key;
    api::UploadedFile bytes;
  };
  static constexpr Route route{Method::put, "/objects/{bucket}/{key...}"};
  static constexpr std::string_view id = "objects.write", summary = "The bytes of an object, or of one part of it";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::bad_signature,    Reason::url_not_valid,  Reason::upload_not_found,
                                      Reason::upload_too_large, Reason::bad_digest,     Reason::invalid_part,
                                      Reason::storage_full,     Reason::length_required};

  static api::FormLimits form_limits(const Call& call) {
    const bool md5 = call.request.fields.find("Content-MD5").has_value() || answers_with_md5(call);
    return {.file_bytes = call.slot.max_bytes, .md5 = md5};
  }

  // Before a byte of the body: a client that waits for 100 Continue keeps its bytes when they are not wanted.
  static Result<void> admit(Call& call) {
    if (!call.request.content_length && signs_length(call.request.query)) return Reason::length_required;
    TOLL_TRY(check_url(call));
    TOLL_TRY(announced(call.request.fields));
    const auto slot = call.permit.slot ? call.house.slots.get(call.tx(), *call.permit.slot) : std::nullopt;
    const bool open = slot && !slot->finished && slot->key == call.permit.key &&
                      (!call.permit.bearer || *call.permit.bearer == slot->account);
    if (!open && call.permit.part) return Reason::upload_not_found;
    if (!open) return over();
    if (call.permit.part ? *call.permit.part < 1 || *call.permit.part > slot->parts : slot->parts != 0)
      return Reason::invalid_part;
    if (call.request.content_length.value_or(0) > slot->max_bytes)
      return Fault(Reason::upload_too_large).with("limit", std::to_string(slot->max_bytes));
    if (auto* space = call.house.spaces.of(slot->key)) {
      if (!call.request.content_length && space->as_s3_does()) return Reason::length_required;
      TOLL_TRY(space->may_write(call.tx(), *slot));
      call.kept = space->arriving(*slot);
    }
    call.slot = *slot;
    return {};
  }

  static Result<http::Response> handle(Call& call, const Request& in) {
    auto& staged = *in.bytes.staged;
    const auto& stored = staged.stored();
    TOLL_TRY(check(TOLL_TRY(announced(call.request.fields)), stored.digest, stored.crc32, in.bytes.md5));
    if (call.permit.part) {
      TOLL_TRY(call.house.slots.keep_part(call.tx(), call.slot.id, *call.permit.part, staged));
    } else {
      auto received = call.house.slots.keep(call.tx(), call.slot.id, staged);
      // Of two at once, the second.
      if (!received && received.error().reason() == Reason::upload_not_found) return over();
      if (!received) return std::move(received).error();
      if (auto* space = call.house.spaces.of(call.slot.key)) TOLL_TRY(space->landed(call.tx(), call.slot, *received));
    }
    http::Response response;
    response.fields.add("ETag",
                        answers_with_md5(call) ? "\"" + hex(as_span(in.bytes.md5)) + "\"" : quoted(stored.digest));
    return response;
  }

 private:
  static bool answers_with_md5(const Call& call) {
    const auto* space = call.house.spaces.of(call.slot.key);
    return space && space->as_s3_does() && call.slot.parts == 0;
  }
  // Without its length such a request could only be called altered.
  static bool signs_length(std::string_view query) {
    constexpr std::string_view name = "X-Amz-SignedHeaders=content-length";
    return query.find(name) != query.npos;
  }
  static Fault over() { return Fault(Reason::url_not_valid).with("why", "The upload of this URL is over"); }
};

// A page of any origin may send what its URL allows; Dialect::finish() says so on every answer.
struct AskToWrite : Endpoint {
  using Request = ObjectPath;
  static constexpr Route route{Method::options, "/objects/{bucket}/{key...}"};
  static constexpr std::string_view id = "objects.preflight", summary = "Whether a page may send or read an object";
  static constexpr Runs runs = Runs::here;
  static constexpr int status = 204;
  static Result<http::Response> handle(Call&, const Request&) {
    http::Response response;
    response.status = status;
    response.fields.add("Access-Control-Allow-Methods", "PUT, GET, HEAD");
    response.fields.add("Access-Control-Allow-Headers", "content-type");
    response.fields.add("Access-Control-Max-Age", "600");
    return response;
  }
};

}  // namespace toll::object_store

template <>
struct toll::json::Schema<toll::object_store::WriteObject::Request> {
  using T = toll::object_store::WriteObject::Request;
  static constexpr std::string_view name = "WriteObject";
  static constexpr auto fields =
      std::tuple{field(&T::bucket, "bucket", "The store's bucket.", {.in = In::path}),
                 field(&T::key, "key", "The object's key, slashes included.", {.in = In::path}),
                 field(&T::bytes, "bytes", "The bytes, whatever their Content-Type says.", {.in = In::raw})};
};
