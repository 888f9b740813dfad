#include "tollhouse/stems.h"

namespace toll::app {

namespace {

std::vector<metering::Package> packages(const config::Stems& stems) {
  std::vector<metering::Package> out;
  for (const auto& p : stems.packages) out.push_back({p.id, p.name, credits(p.credits), p.price_cents, p.currency});
  return out;
}

std::string square_base(const config::Payments& payments) {
  if (!payments.square_base_url.empty()) return payments.square_base_url;
  return payments.square_environment == "production" ? "https://connect.squareup.com"
                                                     : "https://connect.squareupsandbox.com";
}

std::unique_ptr<metering::PaymentProvider> payment_provider(const config::Payments& payments) {
  if (payments.provider != "square") return nullptr;
  return metering::square_provider({.base = square_base(payments),
                                    .access_token = payments.square_access_token,
                                    .location_id = payments.square_location_id});
}

}  // namespace

Stems::Stems(Foundation& base, Workshop& workshop, probe::Prober& prober, const config::Settings& settings)
    : shop(*base.db, base.ledger, base.clock, packages(settings.stems), payment_provider(settings.payments)),
      models({.price = credits(settings.stems.price_separation), .builtin_fallback = settings.stems.builtin_fallback}),
      house{*base.db,
            *workshop.store,
            base.account_service,
            base.accounts,
            base.sessions,
            base.keys,
            base.ledger,
            shop,
            base.clock,
            workshop.queue,
            workshop.separations,
            models,
            prober,
            {settings.payments.square_application_id, settings.payments.square_location_id,
             settings.payments.square_environment},
            static_cast<std::uint64_t>(settings.stems.max_upload_bytes),
            settings.server.public_url.starts_with("https://")} {}

}  // namespace toll::app
