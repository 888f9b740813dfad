// registry.model: a call of an ONNX model of the registry, as the inference service runs it.
#pragma once

#include <functional>
#include <memory>

#include "inference/inference.h"
#include "models/viewer.h"
#include "sql/database.h"
#include "workflows/step.h"

namespace toll::workflows::steps {

struct ModelNeeds {
  sql::Database& db;
  inference::Inference& inference;
  std::function<models::Viewer(sql::Tx&, AccountId)> viewer;  // what the payer is in the registry
  bool runtime = true;                                        // whether this build can run models at all
};
std::unique_ptr<StepKind> make_registry_model(ModelNeeds needs);

}  // namespace toll::workflows::steps
