// How patient the clients of this folder are.
#pragma once

#include <chrono>
#include <string>

namespace toll::app::hub {

struct Options {
  std::string endpoint = "https://huggingface.co";
  std::string token;                     // may be empty
  int attempts = 5;                      // of each request; a download goes on where it broke
  std::chrono::milliseconds pause{500};  // before the second attempt; doubles
  std::chrono::seconds patience{60};     // without news
};

}  // namespace toll::app::hub
