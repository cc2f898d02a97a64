// xf_rom_memory: registered read-only memory from a hexadecimal file, mapped apart from the logic around it.
//
// Contract: data_o is word addr_i of InitFile, one cycle later.
// Structure: block RAM where that saves at least BlockPrice LUTs a BRAM18, else LUTs (or what the tool thinks still better).
// Cost: block RAM, or for every column that no other equals one flip-flop and one LUT6 per 64 words (above 64 with MUXF7 and
// MUXF8). It keeps its hierarchy because of that: mapped together with the logic around it, Yosys sees that a longer path
// exists elsewhere and trades the one-LUT columns for chains of smaller LUTs, about 15 bits a LUT.
`default_nettype none

(* keep_hierarchy = "yes" *)
module xf_rom_memory #(
  parameter integer Width = 1,
  parameter integer Depth = 2,
  parameter         InitFile = "",
  localparam integer AddrBits = $clog2(Depth)
) (
  input  wire logic                clk_i,
  input  wire logic [AddrBits-1:0] addr_i,
  output logic      [Width-1:0]    data_o
);

  localparam integer BlockPrice = 100;  // about the ratio of LUTs to BRAM18 in small devices
  localparam integer BlockWidth = (Depth <= 512) ? 36 : (Depth <= 1024) ? 18 : (Depth <= 2048) ? 9 : (Depth <= 4096) ? 4 : 2;
  localparam integer Blocks = (Width + BlockWidth - 1) / BlockWidth;
  localparam integer Luts = Width * ((Depth + 63) / 64);

  if (Luts > Blocks * BlockPrice) begin : gen_block
    (* rom_style = "block" *) logic [Width-1:0] rom [0:Depth-1];
    initial $readmemh(InitFile, rom);
    always_ff @(posedge clk_i) data_o <= rom[addr_i];
  end else begin : gen_luts
    logic [Width-1:0] rom [0:Depth-1];
    initial $readmemh(InitFile, rom);
    always_ff @(posedge clk_i) data_o <= rom[addr_i];
  end

endmodule

`default_nettype wire
