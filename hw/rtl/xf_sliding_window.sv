// xf_sliding_window: the pixels under each position of a kernel, in (kernel row, kernel column, channel) order.
//
// Contract: takes Height x Width pixels of Beats beats; for each output position, row by row, makes the KernelH * KernelW
// pixels under the kernel. Strides and dilations as in a convolution, no padding of its own.
// Interval: the greater of input and output beats a frame. Latency 3 cycles from the beat that an output beat needs.
// in_ready_o depends on registers only; no clock enable behind the memory, an output queue grants credits.
// Memory: a ring of RingRows rows. A row is free once the kernel has moved past it; the rows of the next frame follow
// at once. The window of one output position spans E = (KernelH-1)*DilationH + 1 rows; E more than the last
// position keeps (so 2*E, and those that it leaves unused) let the next frame's first window fill while this frame's last
// row of windows is read, so that frames follow without a bubble. Cost: twice the memory of the E rows that a single
// frame needs at least, as block RAM or LUT RAM (synchronous read); a dozen counters.
`default_nettype none

module xf_sliding_window #(
  parameter integer BeatBits = 1,
  parameter integer Beats = 1,
  parameter integer Height = 1,
  parameter integer Width = 1,
  parameter integer KernelH = 1,
  parameter integer KernelW = 1,
  parameter integer StrideH = 1,
  parameter integer StrideW = 1,
  parameter integer DilationH = 1,
  parameter integer DilationW = 1,
  parameter integer RingRows = 2
) (
  input  wire logic                clk_i,
  input  wire logic                rst_ni,
  input  wire logic                in_valid_i,
  output logic                     in_ready_o,
  input  wire logic [BeatBits-1:0] in_data_i,
  output logic                     out_valid_o,
  input  wire logic                out_ready_i,
  output logic      [BeatBits-1:0] out_data_o
);

  localparam integer OutRows = (Height - (KernelH - 1) * DilationH - 1) / StrideH + 1;
  localparam integer OutCols = (Width - (KernelW - 1) * DilationW - 1) / StrideW + 1;
  // Rows by which the window moves on after the frame's last output row.
  localparam integer FrameStep = Height - (OutRows - 1) * StrideH;

  xf_require #(
    .Ok(Height > (KernelH - 1) * DilationH && Width > (KernelW - 1) * DilationW),
    .Message("xf_sliding_window: the kernel does not fit the image")
  ) u_require_fit ();
  xf_require #(
    .Ok(RingRows >= 2 && RingRows > (KernelH - 1) * DilationH && RingRows >= FrameStep && (OutRows == 1 || RingRows >= StrideH)),
    .Message("xf_sliding_window: RingRows is below 2, the window's span, StrideH, or the rows from the last window on")
  ) u_require_ring ();

  localparam integer RowWords = Width * Beats;
  localparam integer Words = RingRows * RowWords;
  localparam integer AddrBits = $clog2(Words + 1);
  localparam integer IndexBits = $clog2(Words);
  localparam integer PosBits = $clog2(RowWords + 1);
  localparam integer KhBits = (KernelH > 1) ? $clog2(KernelH) : 1;
  localparam integer KwBits = (KernelW > 1) ? $clog2(KernelW) : 1;
  localparam integer BeatCountBits = (Beats > 1) ? $clog2(Beats) : 1;
  localparam integer OutRowBits = (OutRows > 1) ? $clog2(OutRows) : 1;
  localparam integer OutColBits = (OutCols > 1) ? $clog2(OutCols) : 1;
  // Whole rows written from the window's first row on; negative where the window has moved ahead of the writer.
  localparam integer AheadBits = $clog2(RingRows + 1) + 1;

  logic [BeatBits-1:0] ring [0:Words-1];

  // Writer.
  logic [AddrBits-1:0]         write_q;
  logic [PosBits-1:0]          write_pos_q;
  logic                        put;
  logic                        put_row;
  logic signed [AheadBits-1:0] ahead_q;

  // Reader: row_q and col_q address the pixel under the kernel, base_row_q and base_col_q that under its first tap.
  logic [AddrBits-1:0]         base_row_q;
  logic [AddrBits-1:0]         row_q;
  logic [PosBits-1:0]          base_col_q;
  logic [PosBits-1:0]          col_q;
  logic [BeatCountBits-1:0]    beat_q;
  logic [KwBits-1:0]           kw_q;
  logic [KhBits-1:0]           kh_q;
  logic signed [AheadBits-1:0] offset_q;
  logic [OutColBits-1:0]       out_col_q;
  logic [OutRowBits-1:0]       out_row_q;
  logic                        last_beat;
  logic                        last_kw;
  logic                        last_kh;
  logic                        last_col;
  logic                        last_row;
  logic                        end_tap;
  logic                        end_taps;
  logic                        end_window;
  logic                        end_row;
  logic [PosBits-1:0]          pos;
  logic                        there;
  logic                        go;
  logic                        step;
  logic [BeatBits-1:0]         read_q;
  logic                        valid_q;
  logic [AddrBits-1:0]         next_base_row;
  logic [PosBits-1:0]          next_base_col;

  assign in_ready_o = ahead_q != AheadBits'(RingRows);
  assign put        = in_valid_i && in_ready_o;
  assign put_row    = put && write_pos_q == PosBits'(RowWords - 1);

  assign last_beat = beat_q == BeatCountBits'(Beats - 1);
  assign last_kw   = kw_q == KwBits'(KernelW - 1);
  assign last_kh   = kh_q == KhBits'(KernelH - 1);
  assign last_col  = out_col_q == OutColBits'(OutCols - 1);
  assign last_row  = out_row_q == OutRowBits'(OutRows - 1);
  assign pos       = col_q + PosBits'(beat_q);
  assign there     = ahead_q > offset_q || (ahead_q == offset_q && write_pos_q > pos);
  assign step      = there && go;
  assign end_tap    = step && last_beat;
  assign end_taps   = end_tap && last_kw;
  assign end_window = end_taps && last_kh;
  assign end_row    = end_window && last_col;

  // Moves a row address on by a number of rows, around the ring.
  function automatic logic [AddrBits-1:0] moved(input logic [AddrBits-1:0] row, input logic [AddrBits-1:0] by);
    moved = (row >= AddrBits'(Words) - by) ? row - (AddrBits'(Words) - by) : row + by;
  endfunction

  assign next_base_row = !end_row ? base_row_q
                       : moved(base_row_q, last_row ? AddrBits'(FrameStep * RowWords) : AddrBits'(StrideH * RowWords));
  assign next_base_col = !end_window ? base_col_q : (last_col ? PosBits'(0) : base_col_q + PosBits'(StrideW * Beats));

  always_ff @(posedge clk_i) begin
    if (put) ring[write_q[IndexBits-1:0]] <= in_data_i;
    read_q <= ring[IndexBits'(row_q + AddrBits'(pos))];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q     <= AddrBits'(0);
      write_pos_q <= PosBits'(0);
      ahead_q     <= AheadBits'(0);
      valid_q     <= 1'b0;
    end else begin
      valid_q <= step;
      if (put) write_q <= (write_q == AddrBits'(Words - 1)) ? AddrBits'(0) : write_q + AddrBits'(1);
      if (put) write_pos_q <= put_row ? PosBits'(0) : write_pos_q + PosBits'(1);
      ahead_q <= ahead_q + (put_row ? AheadBits'(1) : AheadBits'(0))
               - (!end_row ? AheadBits'(0) : last_row ? AheadBits'(FrameStep) : AheadBits'(StrideH));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q     <= BeatCountBits'(0);
      kw_q       <= KwBits'(0);
      kh_q       <= KhBits'(0);
      offset_q   <= AheadBits'(0);
      out_col_q  <= OutColBits'(0);
      out_row_q  <= OutRowBits'(0);
      base_row_q <= AddrBits'(0);
      base_col_q <= PosBits'(0);
      row_q      <= AddrBits'(0);
      col_q      <= PosBits'(0);
    end else begin
      if (step) beat_q <= last_beat ? BeatCountBits'(0) : beat_q + BeatCountBits'(1);
      if (end_tap) kw_q <= last_kw ? KwBits'(0) : kw_q + KwBits'(1);
      if (end_taps) kh_q <= last_kh ? KhBits'(0) : kh_q + KhBits'(1);
      if (end_taps) offset_q <= last_kh ? AheadBits'(0) : offset_q + AheadBits'(DilationH);
      if (end_window) out_col_q <= last_col ? OutColBits'(0) : out_col_q + OutColBits'(1);
      if (end_row) out_row_q <= last_row ? OutRowBits'(0) : out_row_q + OutRowBits'(1);
      base_row_q <= next_base_row;
      base_col_q <= next_base_col;
      if (end_window) row_q <= next_base_row;
      else if (end_taps) row_q <= moved(row_q, AddrBits'(DilationH * RowWords));
      if (end_taps) col_q <= next_base_col;
      else if (end_tap) col_q <= col_q + PosBits'(DilationW * Beats);
    end
  end

  xf_queue #(.Width(BeatBits), .Depth(3)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (step),
    .claim_ok_o (go),
    .push_i     (valid_q),
    .data_i     (read_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
