#include "surfaces/objects/surface.h"

#include "base/text.h"
#include "surfaces/objects/dialect.h"
#include "surfaces/objects/endpoints/read.h"
#include "surfaces/objects/endpoints/write.h"

namespace toll::object_store {

Result<void> check_url(Call& call) {
  auto permit = TOLL_TRY(call.house.urls.check({call.request.method_text, call.request.path, call.request.query,
                                                [&](std::string_view name) -> std::optional<std::string> {
                                                  std::optional<std::string> all;
                                                  for (const auto& [field, value] : call.request.fields)
                                                    if (equal_ignoring_case(field, name))
                                                      all = (all ? *all + "," : std::string()) + std::string(value);
                                                  return all;
                                                }}));
  call.permit = std::move(permit);
  return {};
}

const api::SurfaceDescription& describe() {
  static const auto description = api::describe_surface<Dialect, ReadObject, WriteObject, AskToWrite>();
  return description;
}

api::Surface make(const api::Core& core, House& house) {
  return api::make_surface<Dialect, House, ReadObject, WriteObject, AskToWrite>(core, house);
}

}  // namespace toll::object_store
