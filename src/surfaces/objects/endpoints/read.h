// GET and HEAD of an object, with ranges and conditions.
#pragma once

#include "api/download.h"
#include "base/checksum.h"
#include "surfaces/objects/house.h"

namespace toll::object_store {

struct ObjectPath {
  std::string bucket, key;
};

inline std::string quoted(const Sha256& digest) {
  return "\"" + hex(digest) + "\"";
}

struct ReadObject : Endpoint {
  using Request = ObjectPath;
  static constexpr Route route{Method::get, "/objects/{bucket}/{key...}"};
  static constexpr std::string_view id = "objects.read", summary = "The bytes of an object, or a range of them";
  static constexpr std::array reasons{Reason::bad_signature, Reason::url_not_valid, Reason::object_not_found};
  static Result<http::Response> handle(Call& call, const Request&) {
    TOLL_TRY(check_url(call));
    auto* space = call.house.spaces.of(call.permit.key);
    if (!space) return Reason::object_not_found;
    const auto found = TOLL_TRY(space->find(call.tx(), call.permit.key, call.permit.bearer));
    const auto reader = call.house.store.open(found.digest);
    if (!reader) return Fault(Reason::object_not_found).because(reader.error().describe());
    if (call.request.method == Method::get) tell(call, *space, found.size);
    return answer(call, found, *reader);
  }

 private:
  static http::Response answer(const Call& call, const objects::Readable& found,
                               const std::shared_ptr<const blob::Reader>& reader) {
    http::Response response;
    auto& fields = response.fields;
    fields.add("Content-Type", call.permit.content_type.value_or(found.content_type));
    if (call.permit.content_disposition) fields.add("Content-Disposition", *call.permit.content_disposition);
    fields.add("ETag", quoted(found.digest));
    fields.add("Last-Modified", http_date(found.modified));
    fields.add("x-amz-checksum-sha256", base64(as_text(found.digest)));
    fields.add("Cache-Control", "private");
    // Nobody's upload becomes a page of this server.
    fields.add("Content-Security-Policy", "default-src 'none'; sandbox");
    response.stream.push_back(api::segment_of(reader));
    return http::apply_conditions(call.request, std::move(response));
  }

  // Everything by value: the request is gone when the last byte is out.
  static void tell(Call& call, objects::KeySpace& space, std::uint64_t size) {
    objects::Serving serving{.key = call.permit.key,
                             .bearer = call.permit.bearer,
                             .size = size,
                             .remote = std::string(call.remote),
                             .user_agent = std::string(call.request.fields.get("User-Agent")),
                             .request_id = std::string(call.request_id),
                             .at = call.now};
    call.served = [&space, serving](const http::Handler::Served& how) mutable {
      serving.bytes = how.sent;
      serving.status = how.status;
      serving.aborted = how.aborted;
      space.served(serving);
    };
  }
};

}  // namespace toll::object_store

template <>
struct toll::json::Schema<toll::object_store::ObjectPath> {
  using T = toll::object_store::ObjectPath;
  static constexpr std::string_view name = "ObjectPath";
  static constexpr auto fields =
      std::tuple{field(&T::bucket, "bucket", "The store's bucket.", {.in = In::path}),
                 field(&T::key, "key", "The object's key, slashes included.", {.in = In::path})};
};
