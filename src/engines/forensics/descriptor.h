// The built-in descriptor of a face: 512 numbers of length 1, made of geometry and texture. It tells pictures of one
// face from pictures of others under like light and pose; it is no trained recognition.
//
// 288 numbers: histograms of oriented gradients, 6x6 cells of 8 directions (N. Dalal, B. Triggs, CVPR 2005; for faces
// O. Deniz et al., Pattern Recognition Letters 32 (2011)). 200: rotation-invariant uniform local binary patterns, 5x4
// cells of 10 patterns (T. Ojala, M. Pietikainen, T. Maenpaa, IEEE PAMI 24 (2002)). 24: distances between the six
// points of the face and their angles, over the distance of the eyes. Each block has its mean taken out, so that what
// all faces share counts less.
#pragma once

#include <vector>

#include "engines/forensics/face_detector.h"
#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

inline constexpr int aligned_side = 112;
inline constexpr double builtin_similarity_threshold = 0.8;  // on the dot product of two descriptors

// The face turned upright and scaled so that its eyes lie at (38, 46) and (74, 46) of 112x112 pixels.
Luma aligned(const Picture& picture, const Face& face);
std::vector<float> describe(const Luma& aligned, const Face& face);
double dot(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace toll::engines::forensics
