// xf_rom: read-only memory from a hexadecimal file.
//
// Contract: data_o is word addr_i of InitFile. Latency: one cycle where Depth > 1 (so that block RAM fits); none where
// Depth is 1, and then the word is a constant that synthesis folds into the logic behind it.
// Cost: Depth > 1: LUT ROM or block RAM, as the tool chooses, and Width flip-flops; Depth = 1: nothing. Apart = 1 or 2 puts the memory
// into xf_rom_memory, for users that need every bit of the word: unused ones vanish only within the logic around them. 1 is for
// memories that hw/emit writes as LUTs of two columns where they are short, and as a constant where they are one word: the time that
// Yosys checks a memory grows with the square of its width.
`default_nettype none

module xf_rom #(
  parameter integer Width = 1,
  parameter integer Depth = 1,
  parameter integer Apart = 0,
  parameter         InitFile = "",
  localparam integer AddrBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  wire logic                clk_i,
  input  wire logic [AddrBits-1:0] addr_i,
  output logic      [Width-1:0]    data_o
);

  xf_require #(.Ok(Width >= 1 && Depth >= 1), .Message("xf_rom: Width and Depth must be at least 1")) u_require_size ();

`ifdef XF_XC7
  localparam integer Written = (Depth == 1 && Apart == 1) ? 1 : 0;
`else
  localparam integer Written = 0;
`endif

  if (Written == 1) begin : gen_written
`ifdef XF_XC7
    logic unused;
    assign unused = &{1'b0, clk_i};
    xf_rom_pairs #(.Width(Width), .Depth(Depth), .InitFile(InitFile)) u_word (.addr_i, .data_o);
`endif
  end else if (Depth == 1) begin : gen_constant
    logic [Width-1:0] rom [0:0];
    logic             unused;
    initial $readmemh(InitFile, rom);
    assign unused = &{1'b0, clk_i, addr_i};
    assign data_o = rom[0];
  end else if (Apart == 0) begin : gen_within
    logic [Width-1:0] rom [0:Depth-1];
    initial $readmemh(InitFile, rom);
    always_ff @(posedge clk_i) data_o <= rom[addr_i];
  end else begin : gen_apart
    xf_rom_memory #(.Width(Width), .Depth(Depth), .Paired((Apart == 1) ? 1 : 0), .InitFile(InitFile)) u_memory (.clk_i, .addr_i, .data_o);
  end

endmodule

`default_nettype wire
