// media.separate: the stems of a recording, by the models, the queue and the prices of the separation service.
#pragma once

#include <memory>

#include "objects/objects.h"
#include "separations/models.h"
#include "separations/separations.h"
#include "sql/database.h"
#include "workflows/step.h"

namespace toll::workflows::steps {

// The job is a part (separations.h): its id comes from the step's token, so that a step that is run again after a crash
// finds the job that it had ordered. Everything outlives the step.
struct SeparateNeeds {
  sql::Database& db;
  separations::Separations& separations;
  const separations::Models& models;
  jobs::Queue& queue;
  const objects::Objects& objects;
};
std::unique_ptr<StepKind> make_media_separate(SeparateNeeds needs);

}  // namespace toll::workflows::steps
