// Pictures of what was found: heat over a picture that is drawn back to grey.
#pragma once

#include "engines/forensics/grid.h"
#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

// Turns a grid of the stored picture to how the picture is shown.
Grid upright(const Grid& stored, Orientation orientation);

// `picture` scaled so that its longer side is at most `longest`; sides are even.
Picture scaled_down(const Picture& picture, int longest);

// Blends heat of 0..1 over `picture` within `box`, from nothing over yellow to red; `heat` is stretched over the box,
// bilinear. The picture outside of the box stays.
void draw_heat(Picture& picture, const Box& box, const Grid& heat);
void draw_frame(Picture& picture, const Box& box);

}  // namespace toll::engines::forensics
