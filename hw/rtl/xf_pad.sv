// xf_pad: a border around each image.
//
// Contract: takes Height x Width pixels of Beats beats, makes (Top+Height+Bottom) x (Left+Width+Right) pixels; beat b of a
// border pixel is word b of InitFile. Borders need no input: the first may leave before the frame's first pixel comes.
// Latency 1 cycle, interval one cycle an output beat. in_ready_o depends on registers only.
// Cost: two beats of flip-flops, three counters, a ROM of Beats words (constants where Beats is 1).
`default_nettype none

module xf_pad #(
  parameter integer BeatBits = 1,
  parameter integer Beats = 1,
  parameter integer Height = 1,
  parameter integer Width = 1,
  parameter integer Top = 0,
  parameter integer Bottom = 0,
  parameter integer Left = 0,
  parameter integer Right = 0,
  parameter         InitFile = ""
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

  xf_require #(
    .Ok(BeatBits >= 1 && Beats >= 1 && Height >= 1 && Width >= 1),
    .Message("xf_pad: BeatBits, Beats, Height and Width must be at least 1")
  ) u_require_sizes ();
  xf_require #(
    .Ok(Top >= 0 && Bottom >= 0 && Left >= 0 && Right >= 0),
    .Message("xf_pad: borders must not be negative")
  ) u_require_borders ();

  localparam integer Rows = Top + Height + Bottom;
  localparam integer Cols = Left + Width + Right;
  localparam integer RowBits = $clog2(Rows + 2);
  localparam integer ColBits = $clog2(Cols + 2);
  localparam integer BeatCountBits = (Beats > 1) ? $clog2(Beats) : 1;

  // Positions count from 1 and have room above, so that no comparison is constant.
  logic [RowBits-1:0]       row_q;
  logic [ColBits-1:0]       col_q;
  logic [BeatCountBits-1:0] beat_q;
  logic                     last_beat;
  logic                     last_col;
  logic                     pixel;
  logic                     ready;
  logic                     go;
  logic [BeatBits-1:0]      border;
  logic [BeatBits-1:0]      values [0:Beats-1];

  initial $readmemh(InitFile, values);

  assign border     = values[beat_q];
  assign last_beat  = beat_q == BeatCountBits'(Beats - 1);
  assign last_col   = col_q == ColBits'(Cols);
  assign pixel     = row_q > RowBits'(Top) && row_q <= RowBits'(Top + Height)
                   && col_q > ColBits'(Left) && col_q <= ColBits'(Left + Width);
  assign go         = ready && (in_valid_i || !pixel);
  assign in_ready_o = ready && pixel;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q  <= RowBits'(1);
      col_q  <= ColBits'(1);
      beat_q <= BeatCountBits'(0);
    end else if (go) begin
      beat_q <= last_beat ? BeatCountBits'(0) : beat_q + BeatCountBits'(1);
      if (last_beat) col_q <= last_col ? ColBits'(1) : col_q + ColBits'(1);
      if (last_beat && last_col) row_q <= (row_q == RowBits'(Rows)) ? RowBits'(1) : row_q + RowBits'(1);
    end
  end

  xf_fifo #(.Width(BeatBits), .Depth(2)) u_out (
    .clk_i,
    .rst_ni,
    .in_valid_i (go),
    .in_ready_o (ready),
    .in_data_i  (pixel ? in_data_i : border),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
