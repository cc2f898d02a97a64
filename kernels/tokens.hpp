// Transfer times of a network of cells: the token model of hw/timing.py, one beat after the other.
//
// Every transfer waits for a few others: t[a] >= t[b] + delay. The least times that meet all of these are unique, and none is
// negative or earlier than what it waits for, so each can be computed once, as soon as all that it waits for are known. Only
// times that something may still ask for are kept: a network of a hundred million beats a frame takes a few megabytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xnorflow {

// A vector that may repeat one element (stride 0); it belongs to the caller.
struct Beats {
  const int64_t* data;
  int64_t size;
  int64_t stride;
  int64_t operator[](int64_t i) const { return data[i * stride]; }
};

// One cell, between one of its inputs and one of its outputs.
struct TokenLink {
  Beats need, room, gap;
  int64_t latency, queue;
  int64_t taken, made;  // streams
};

// A FIFO whose filling is asked for: how many beats were written and not yet read, at most.
struct TokenWatch {
  int64_t written, read;  // streams
};

class TokenModel {
 public:
  // Streams are numbered 0 (the network's input) to `streams - 1` (its output). `keep` keeps all times.
  TokenModel(std::vector<TokenLink> links, int64_t streams, std::vector<TokenWatch> watches, int64_t source_interval, bool keep);

  // Goes on until `frames` frames have passed all streams. False where a transfer lies beyond `limit` or can never happen; then
  // the model is of no further use.
  bool run(int64_t frames, int64_t limit);

  const std::vector<int64_t>& frame_ends() const { return ends_; }
  const std::vector<int64_t>& held() const { return held_; }
  // All times of a stream; only with `keep`.
  const std::vector<int64_t>& times(int64_t stream) const { return streams_[static_cast<std::size_t>(stream)].times; }

 private:
  struct Link {
    TokenLink of;
    int64_t output = 0, output_frame = 0, need = 0, ready = 0;  // the next beat made: its number in its frame, frames before it
    int64_t input = 0, input_frame = 0, room = 0;               // the next beat taken
    int64_t next_ready = 0;
    bool limited = true;  // whether the next beat taken can ever wait for one made
  };
  struct Stream {
    int64_t beats = 0, start = 0;
    int64_t base = 0, count = 0, compact_at = 0;  // times[i] is that of beat base + i; count beats are known
    std::vector<int64_t> times;
    std::vector<std::size_t> makers, takers;  // links
    std::vector<std::size_t> neighbours;      // streams that may wait for this one
    std::vector<std::size_t> watches;
    bool waiting = false;
  };
  struct Watch {
    std::size_t written, read;
    int64_t writes = 0, reads = 0;
  };

  int64_t time(std::size_t stream, int64_t beat) const;
  bool earliest(Stream& stream, int64_t& time);
  bool from_maker(Link& link, int64_t beat, int64_t before, int64_t& time) const;
  bool from_taker(Link& link, int64_t& time) const;
  void commit(std::size_t number, int64_t time);
  bool advance(std::size_t number, int64_t limit);
  void drain(std::size_t watch);
  void compact(Stream& stream);
  void wake(std::size_t number);

  std::vector<Link> links_;
  std::vector<Stream> streams_;
  std::vector<Watch> watches_;
  std::vector<int64_t> ends_, held_;
  std::vector<std::size_t> queue_;
  int64_t source_interval_, frames_ = 0;
  bool keep_;
};

}  // namespace xnorflow
