// What extract.llm and classify share. Private to steps/.
#pragma once

#include <stop_token>
#include <string>

#include "workflows/steps/llm.h"

namespace toll::workflows::steps {

// The members of `with` that name a model and how it is asked.
json::Object llm_schema();
// base_url and model are there, and the address may be called.
void check_llm(Checking& what, const Llm& llm);
// {bin, scores}: the model's own choice among the names of the bins and "unknown".
StepResult classify_by_llm(const Llm& llm, const Call& call, const std::string& text, std::stop_token stop);

}  // namespace toll::workflows::steps
