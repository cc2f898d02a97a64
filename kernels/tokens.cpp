#include "tokens.hpp"

#include <algorithm>
#include <string>

#include "error.hpp"

namespace xnorflow {
namespace {

constexpr int64_t kCredit = 4;  // cycles from a result's leaving its queue to the next one in that place
constexpr int64_t kFewTimes = 1 << 12;
constexpr int64_t kMostFrames = 1 << 16;

int64_t greatest(const Beats& beats) {
  int64_t most = INT64_MIN;
  for (int64_t i = 0; i < beats.size; ++i) most = std::max(most, beats[i]);
  return most;
}

// The running maximum of `wants[beat] + frame * beats`, in which a beat waits for what those before it wait for.
void follow(int64_t& most, const Beats& wants, int64_t beat, int64_t frame, int64_t beats) {
  most = std::max(most, wants[beat] + frame * beats);
}

void step(int64_t& beat, int64_t& frame, int64_t beats) {
  if (++beat == beats) beat = 0, ++frame;
}

}  // namespace

TokenModel::TokenModel(std::vector<TokenLink> links, int64_t streams, std::vector<TokenWatch> watches, int64_t source_interval, bool keep)
    : streams_(static_cast<size_t>(streams)), held_(watches.size(), 0), source_interval_(source_interval), keep_(keep) {
  const auto known = [streams](int64_t stream) { return stream >= 0 && stream < streams; };
  for (const TokenLink& link : links) {
    if (!known(link.taken) || !known(link.made) || link.room.size < 1 || link.need.size < 1 || link.gap.size != link.need.size)
      throw InputError("a cell of the token model names no stream, or its beats do not fit");
    const size_t number = links_.size(), taken = static_cast<size_t>(link.taken), made = static_cast<size_t>(link.made);
    Stream &in = streams_[taken], &out = streams_[made];
    if ((in.beats != 0 && in.beats != link.room.size) || (out.beats != 0 && out.beats != link.need.size))
      throw InputError("the two ends of stream " + std::to_string(link.taken) + " or " + std::to_string(link.made) + " count different beats");
    in.beats = link.room.size, out.beats = link.need.size;
    if (out.makers.empty()) out.start = link.latency;
    in.takers.push_back(number), out.makers.push_back(number);
    in.neighbours.push_back(made), out.neighbours.push_back(taken);
    Link placed{link};
    placed.need = placed.room = INT64_MIN;
    placed.limited = greatest(link.room) + kMostFrames * link.need.size > 0;
    links_.push_back(placed);
  }
  for (Stream& stream : streams_) {
    if (stream.beats == 0) throw InputError("a stream of the token model has no cell");
    stream.compact_at = kFewTimes;
  }
  for (const TokenWatch& watch : watches) {
    if (!known(watch.written) || !known(watch.read)) throw InputError("a watched FIFO names no stream");
    for (const int64_t stream : {watch.written, watch.read}) streams_[static_cast<size_t>(stream)].watches.push_back(watches_.size());
    watches_.push_back({static_cast<size_t>(watch.written), static_cast<size_t>(watch.read)});
  }
}

int64_t TokenModel::time(size_t stream, int64_t beat) const {
  const Stream& s = streams_[stream];
  return s.times[static_cast<size_t>(beat - s.base)];
}

// What the cell in front allows: `made[k] >= taken[need[k] - 1] + latency`, and the gap to the beat (or the ready result) before it.
bool TokenModel::from_maker(Link& link, int64_t beat, int64_t before, int64_t& time) const {
  const TokenLink& cell = link.of;
  follow(link.need, cell.need, link.output, link.output_frame, cell.room.size);
  const size_t taken = static_cast<size_t>(cell.taken);
  if (link.need > streams_[taken].count) return false;
  int64_t ready = link.need > 0 ? this->time(taken, link.need - 1) + cell.latency : 0;
  if (cell.queue > 0) {
    if (beat >= cell.queue) ready = std::max(ready, this->time(static_cast<size_t>(cell.made), beat - cell.queue) + kCredit);
    if (beat > 0) ready = std::max({ready, link.ready + cell.gap[link.output]}), time = std::max(time, before + 1);
    link.next_ready = ready;
  } else if (beat > 0) {
    ready = std::max(ready, before + cell.gap[link.output]);
  }
  time = std::max(time, ready);
  return true;
}

// What the cell behind allows: `taken[j] >= made[room[j] - 1] + 1`.
bool TokenModel::from_taker(Link& link, int64_t& time) const {
  const TokenLink& cell = link.of;
  follow(link.room, cell.room, link.input, link.input_frame, cell.need.size);
  const size_t made = static_cast<size_t>(cell.made);
  if (link.room > streams_[made].count) return false;
  if (link.room > 0) time = std::max(time, this->time(made, link.room - 1) + 1);
  return true;
}

// The time of a stream's next beat; false where it is not known yet.
bool TokenModel::earliest(Stream& stream, int64_t& time) {
  const int64_t beat = stream.count, before = beat > 0 ? stream.times.back() : 0;
  time = stream.start;
  if (stream.makers.empty()) time = source_interval_ > 0 ? beat * source_interval_ / stream.beats : beat;
  if (!stream.takers.empty() && beat > 0) time = std::max(time, before + 1);
  for (const size_t link : stream.makers)
    if (!from_maker(links_[link], beat, before, time)) return false;
  for (const size_t link : stream.takers)
    if (!from_taker(links_[link], time)) return false;
  return true;
}

void TokenModel::commit(size_t number, int64_t time) {
  Stream& stream = streams_[number];
  stream.times.push_back(time);
  ++stream.count;
  for (const size_t index : stream.makers) {
    Link& link = links_[index];
    link.ready = link.next_ready;
    step(link.output, link.output_frame, link.of.need.size);
  }
  for (const size_t index : stream.takers) {
    Link& link = links_[index];
    step(link.input, link.input_frame, link.of.room.size);
  }
  if (number + 1 == streams_.size() && stream.count % stream.beats == 0) ends_.push_back(time);
}

void TokenModel::wake(size_t number) {
  if (streams_[number].waiting) return;
  streams_[number].waiting = true;
  queue_.push_back(number);
}

// Finds the times of as many beats of a stream as can be known; false where one lies beyond the limit.
bool TokenModel::advance(size_t number, int64_t limit) {
  Stream& stream = streams_[number];
  const int64_t first = stream.count, all = frames_ * stream.beats;
  int64_t time = 0;
  while (stream.count < all && earliest(stream, time)) {
    if (time > limit) return false;
    commit(number, time);
  }
  if (stream.count == first) return true;
  for (const size_t watch : stream.watches) drain(watch);
  for (const size_t other : stream.neighbours) wake(other);
  if (!keep_ && static_cast<int64_t>(stream.times.size()) > stream.compact_at) compact(stream);
  return true;
}

// A FIFO holds what was written before a beat, and not read in an earlier cycle than it is written.
void TokenModel::drain(size_t number) {
  Watch& watch = watches_[number];
  const Stream &written = streams_[watch.written], &read = streams_[watch.read];
  while (watch.writes < written.count) {
    const int64_t now = time(watch.written, watch.writes);
    while (watch.reads < read.count && time(watch.read, watch.reads) < now) ++watch.reads;
    if (watch.reads == read.count) return;  // the next read may be earlier than this write
    held_[number] = std::max(held_[number], watch.writes - watch.reads);
    ++watch.writes;
  }
}

// Forgets the times that nothing can ask for again: all that is asked for comes later and later.
void TokenModel::compact(Stream& stream) {
  int64_t needed = stream.count - 1;
  for (const size_t index : stream.makers) {
    const Link& link = links_[index];
    if (link.limited) needed = std::min(needed, std::max<int64_t>(link.room, 1) - 1);
    needed = std::min(needed, stream.count - std::max<int64_t>(link.of.queue, 1));
  }
  for (const size_t index : stream.takers) needed = std::min(needed, std::max<int64_t>(links_[index].need, 1) - 1);
  for (const size_t index : stream.watches) {
    const Watch& watch = watches_[index];
    if (&streams_[watch.written] == &stream) needed = std::min(needed, watch.writes);
    if (&streams_[watch.read] == &stream) needed = std::min(needed, watch.reads);
  }
  const int64_t gone = std::max<int64_t>(needed, stream.base) - stream.base;
  stream.times.erase(stream.times.begin(), stream.times.begin() + gone);
  stream.base += gone;
  stream.compact_at = std::max(kFewTimes, 2 * static_cast<int64_t>(stream.times.size()));
}

bool TokenModel::run(int64_t frames, int64_t limit) {
  if (frames > kMostFrames) throw InputError(std::to_string(frames) + " frames; at most " + std::to_string(kMostFrames) + " are accepted");
  frames_ = std::max(frames_, frames);
  for (size_t number = 0; number < streams_.size(); ++number) wake(number);
  std::vector<size_t> turn;
  while (!queue_.empty()) {
    turn.swap(queue_);
    queue_.clear();
    for (const size_t number : turn) {
      streams_[number].waiting = false;
      if (!advance(number, limit)) return false;
    }
  }
  return std::all_of(streams_.begin(), streams_.end(), [this](const Stream& s) { return s.count == frames_ * s.beats; });
}

}  // namespace xnorflow
