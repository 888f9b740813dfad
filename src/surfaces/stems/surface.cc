#include "surfaces/stems/surface.h"

#include "api/openapi.h"
#include "surfaces/stems/dialect.h"
#include "surfaces/stems/endpoints/accounts.h"
#include "surfaces/stems/endpoints/admin.h"
#include "surfaces/stems/endpoints/credits.h"
#include "surfaces/stems/endpoints/downloads.h"
#include "surfaces/stems/endpoints/jobs.h"
#include "surfaces/stems/endpoints/keys.h"
#include "surfaces/stems/endpoints/pages.h"
#include "surfaces/stems/endpoints/upload.h"

namespace toll::stems {

namespace {

template <class... Es>
struct Endpoints {
  static api::SurfaceDescription describe() { return api::describe_surface<Dialect, Es...>(); }
  static api::Surface make(const api::Core& core, House& house) {
    return api::make_surface<Dialect, House, Es...>(core, house);
  }
};

// In the order of the documentation: the nine documented ones first.
using All =
    Endpoints<Upload, ListJobs, GetJob, ListStems, DownloadAll, DownloadStem, DeleteJobs, RetryJob, CancelJob,  //
              ListModels, GetModel, GetStatus, ListStemsShort, GetStem, DeleteJob, DeleteOneJob,                //
              Register, Login, Logout, GetMe, ChangeEmail, ChangeUsername, ChangePassword, DeleteAccount,       //
              GetKey, GenerateKey, RegenerateKey, DeleteKey, ListKeys, CreateKey, RenameKey, RegenerateNamedKey,
              DeleteNamedKey, GetBalance, GetHistory, ListPackages, GetSquareConfig, Purchase,           //
              ListUsers, GetUser, AdjustCredits, ToggleActive, ListAllJobs, ArchiveJob, AdminDeleteJob,  //
              GetService, GetReference>;

constexpr std::string_view introduction =
    "<p>Send <code>Authorization: Bearer YOUR_API_KEY</code> (keys begin with <code>sk_</code>) or the session's JWT. "
    "Errors are "
    "<code>{\"detail\": ...}</code>. Each completed job costs its model's price; failed and cancelled jobs cost "
    "nothing. No rate limit is enforced.</p>"
    "<p>While the published weights of a model are not installed, the built-in spectral separator serves its name. "
    "That is signal processing, "
    "not a trained model; <code>served_by</code> in every job says what did the work.</p>"
    "<pre>curl -X POST /upload -H \"Authorization: Bearer YOUR_API_KEY\" -F \"file=@song.mp3\" -F \"model=htdemucs\" "
    "-F \"stem_count=4\"</pre>"
    "<p>Results: <code>&lt;stem&gt;.wav</code>, <code>.flac</code> (16 bit) and <code>.mp3</code> (320 kbit/s), or all "
    "of one format as a ZIP.</p>";

}  // namespace

const api::SurfaceDescription& describe() {
  static const auto description = All::describe();
  return description;
}

const std::string& reference_html() {
  static const auto html = api::reference_page(describe(), "Mux Minus API reference", introduction);
  return html;
}

api::Surface make(const api::Core& core, House& house) {
  return All::make(core, house);
}

}  // namespace toll::stems
