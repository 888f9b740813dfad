#include "engines/forensics/tracks.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace toll::engines::forensics {
namespace {

constexpr double goes_on = 0.25;      // overlap with the last box
constexpr int most_missed = 3;        // samples without the face
constexpr double same_person = 0.93;  // dot product of mean descriptors
constexpr std::size_t most_closed = 64;
constexpr int cut_columns = 32, cut_rows = 18;
constexpr double cut_difference = 40;  // mean, of 255

std::vector<float> normalised(std::vector<float> sum) {
  const double length = std::sqrt(std::max(1e-12, dot(sum, sum)));
  for (float& value : sum) value = static_cast<float>(value / length);
  return sum;
}

bool together(const Boxes& a, const Boxes& b) {
  return std::ranges::any_of(a, [&](const auto& seen) { return b.contains(seen.first); });
}

bool is_same(const Person& a, const Person& b) {
  return !a.descriptor_sum.empty() && a.descriptor_sum.size() == b.descriptor_sum.size() &&
         !together(a.boxes, b.boxes) && dot(normalised(a.descriptor_sum), normalised(b.descriptor_sum)) >= same_person;
}

void join(Person& into, Person&& from) {
  into.boxes.merge(from.boxes);
  into.history.append(from.history);
  into.swap_scores.insert(into.swap_scores.end(), from.swap_scores.begin(), from.swap_scores.end());
  into.spoof_scores.insert(into.spoof_scores.end(), from.spoof_scores.begin(), from.spoof_scores.end());
  if (from.best.worth > into.best.worth) into.best = std::move(from.best);
  for (std::size_t i = 0; i < into.descriptor_sum.size(); ++i) into.descriptor_sum[i] += from.descriptor_sum[i];
  into.area += from.area;
}

bool longer_on_screen(const Person& a, const Person& b) {
  if (a.samples() != b.samples()) return a.samples() > b.samples();
  return a.boxes.begin()->first < b.boxes.begin()->first;
}

}  // namespace

std::vector<Person*> Tracker::follow(std::int64_t frame, const std::vector<Face>& faces, bool cut) {
  for (auto& track : std::exchange(open_, {})) {
    if (cut || track.missed > most_missed)
      close(std::move(track));
    else
      open_.push_back(std::move(track));
  }
  struct Pair {
    double overlap;
    std::size_t track, face;
  };
  std::vector<Pair> pairs;
  for (std::size_t t = 0; t < open_.size(); ++t)
    for (std::size_t f = 0; f < faces.size(); ++f)
      if (const double shared = overlap(open_[t].last, faces[f].box); shared >= goes_on)
        pairs.push_back({shared, t, f});
  std::ranges::stable_sort(pairs, std::ranges::greater(), &Pair::overlap);
  constexpr std::size_t none = std::size_t(-1);
  std::vector<std::size_t> track_of(faces.size(), none);
  std::vector<char> taken(open_.size());
  for (const auto& pair : pairs)
    if (!taken[pair.track] && track_of[pair.face] == none) {
      taken[pair.track] = 1;
      track_of[pair.face] = pair.track;
    }
  for (std::size_t t = 0; t < taken.size(); ++t) open_[t].missed = taken[t] ? 0 : open_[t].missed + 1;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (track_of[f] == none) {
      track_of[f] = open_.size();
      open_.emplace_back();
    }
    auto& track = open_[track_of[f]];
    track.last = faces[f].box;
    track.person.boxes[frame] = faces[f].box;
    track.person.area += faces[f].box.area();
  }
  std::vector<Person*> people;
  for (auto t : track_of) people.push_back(&open_[t].person);
  return people;
}

// Memory stays bounded however many faces come and go: those seen least are forgotten.
void Tracker::close(Track track) {
  closed_.push_back(std::move(track.person));
  for (std::size_t i = 0; i + 1 < closed_.size(); ++i)
    if (is_same(closed_[i], closed_.back())) {
      join(closed_[i], std::move(closed_.back()));
      closed_.pop_back();
      return;
    }
  if (closed_.size() <= most_closed) return;
  closed_.erase(std::ranges::min_element(closed_, {}, &Person::samples));
}

std::vector<Person> Tracker::finish(std::size_t least, std::size_t most) {
  for (auto& track : std::exchange(open_, {})) close(std::move(track));
  std::erase_if(closed_, [&](const Person& person) { return person.samples() < least; });
  std::ranges::stable_sort(closed_, longer_on_screen);
  if (closed_.size() > most) closed_.resize(most);
  return std::move(closed_);
}

bool CutFinder::is_cut(const Picture& picture) {
  const auto small = luma_of(cut(
      picture, {0, 0, static_cast<double>(picture.width), static_cast<double>(picture.height)}, cut_columns, cut_rows));
  double sum = 0;
  for (std::size_t i = 0; i < last_.size(); ++i) sum += std::abs(small.values[i] - last_[i]);
  const bool found = !last_.empty() && sum / static_cast<double>(last_.size()) > cut_difference;
  last_ = small.values;
  return found;
}

}  // namespace toll::engines::forensics
