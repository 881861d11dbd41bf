package io.github.stillgate.bench.paper.gru;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * One cell of table II or IV, measured.
 *
 * @param name of the experiment
 * @param gates g: gating dimension or rank
 * @param shift s
 * @param paper the paper's factor over a dense model
 * @param updates updates it was trained for
 * @param live live fraction of each layer over the streamed text
 * @param bits bits per character of the exported model, one stream from zero state
 * @param twinBits the same of the full GRU after as many updates
 * @param single one stream
 * @param batch 64 streams, in table II
 */
record TableRow(
    String name,
    int gates,
    float shift,
    @JsonProperty("paper_factor") double paper,
    int updates,
    @JsonProperty("live_fraction") double[] live,
    @JsonProperty("bits_per_char") double bits,
    @JsonProperty("twin_bits_per_char") double twinBits,
    Speed single,
    @Nullable Speed batch) {
  /**
   * How fast.
   *
   * @param nanos of a step: median of the trials
   * @param low fastest trial
   * @param high slowest trial
   * @param fullGru the fastest full GRU of equal size in the same trials
   * @param fullGruNanos its median
   * @param factor over it
   * @param bound of that factor: its weights (bytes for one stream, multiplications for many) over
   *     those this network read
   * @param sameNanos of a step of the same network with every unit computed
   * @param sameFactor over that
   * @param sameBound of that factor
   */
  record Speed(
      @JsonProperty("step_ns") double nanos,
      @JsonProperty("step_min_ns") double low,
      @JsonProperty("step_max_ns") double high,
      @JsonProperty("full_gru") String fullGru,
      @JsonProperty("full_gru_step_ns") double fullGruNanos,
      double factor,
      double bound,
      @JsonProperty("unskipped_step_ns") double sameNanos,
      @JsonProperty("factor_over_unskipped") double sameFactor,
      @JsonProperty("bound_over_unskipped") double sameBound) {
    double share() {
      return factor / bound;
    }
  }
}
