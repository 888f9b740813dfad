#include "surfaces/media/endpoints/usage.h"

#include <algorithm>

namespace toll::media_api {

namespace {

QuotaView view_of(std::optional<std::int64_t> limit, std::int64_t used) {
  if (!limit || *limit < 0) return {std::nullopt, used, std::nullopt};
  return {limit, used, std::max<std::int64_t>(*limit - used, 0)};
}

std::optional<KeyUsageView> key_usage(const Call& call) {
  if (!call.who->key) return std::nullopt;
  const auto key = call.house.keys.find(call.tx(), call.account(), call.request.fields.get("x-client-id"));
  if (!key) return std::nullopt;
  return KeyUsageView{key->client_id, view_of(key->settings.query_slice, key->query_used),
                      view_of(key->settings.mutation_slice, key->mutation_used)};
}

}  // namespace

Result<UsageView> GetUsage::handle(Call& call, const Request&) {
  const auto& house = call.house;
  const auto limits = house.keys.limits(call.tx(), call.account());
  const auto used = house.keys.used(call.tx(), call.account());
  const auto available = house.ledger.balance(call.tx(), call.account()).micros;
  const auto held = house.ledger.held(call.tx(), call.account()).micros;
  const auto price = [&](media::ModelType type) { return house.records.price(type).micros; };
  UsageView out;
  out.access = to_string(house.access.state(call.tx(), call.account()));
  out.query = view_of(limits.query, used.query);
  out.mutation = view_of(limits.mutation, used.mutation);
  out.key = key_usage(call);
  out.credits = {available + held, held, available};
  out.prices = {price(media::ModelType::df1), price(media::ModelType::ac1), price(media::ModelType::fd1),
                price(media::ModelType::fe1), price(media::ModelType::fi1)};
  return out;
}

}  // namespace toll::media_api
