package io.github.stillgate.cli;

import io.github.stillgate.core.plan.OperandScale;
import io.github.stillgate.tuning.LayerError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What {@code quantize} did.
 *
 * @param layers whose weights are int8 now
 * @param float32 those of them whose products stay float32
 * @param operands what the plan of the written file rounds by
 * @param comparedOn what both networks ran on, if on anything
 * @param errors of each layer on that
 * @param scores before and after, if a text was given
 * @param verified what the replay of stored outputs gave, if there were any
 */
record QuantizeReport(
    List<String> layers,
    List<String> float32,
    List<OperandScale> operands,
    Optional<String> comparedOn,
    List<LayerError> errors,
    Optional<Scores> scores,
    Optional<Verified> verified) {
  /** What a text scored. */
  record Scores(TextScore before, TextScore after) {}

  /** Errors relative to values above 1. */
  record Verified(double error, double tolerance) {}

  void print(Output out) {
    out.line("int8 weights: %s", layers.isEmpty() ? "none" : String.join(", ", layers));
    if (!float32.isEmpty()) {
      out.line(
          "rounded to int8 in the file, but multiplied in float32, since they skip units: %s",
          String.join(", ", float32));
    }
    if (!operands.isEmpty()) {
      out.line("");
      new OperandReport(operands).print(out);
    }
    comparedOn.ifPresent(data -> {
      out.line("");
      List<List<String>> rows = new ArrayList<>();
      for (LayerError error : errors) {
        rows.add(
            List.of(
                error.layer(),
                scientific(error.largest()),
                scientific(error.rms()),
                Output.number(error.clamped(), 0)));
      }
      out.table(List.of("layer", "largest error", "rms error", "values clamped"), rows);
      out.line(
          "against the float network on %s steps of %s",
          Output.number(errors.getFirst().steps(), 0), data);
    });
    out.line("");
    scores.ifPresent(s ->
        out.line(
            "bits per character: %s before, %s after, on %s characters; values clamped: %s",
            Output.number(s.before().bitsPerChar(), 4),
            Output.number(s.after().bitsPerChar(), 4),
            Output.number(s.after().characters(), 0),
            Output.number(s.after().clamped(), 0)));
    verified.ifPresentOrElse(
        v ->
            out.line(
                "verified: largest error %s, allowed %s",
                scientific(v.error()), scientific(v.tolerance())),
        () ->
            out.line(
                "not verified: nothing was compared with stored outputs of the original; give"
                    + " --verify FILE"));
  }

  private static String scientific(double value) {
    return String.format(Locale.ROOT, "%.2g", value);
  }

  Map<String, Object> describe() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("weights", "i8");
    report.put("layers", layers);
    report.put("float32_products", float32);
    report.put("operands", new OperandReport(operands).describe());
    comparedOn.ifPresent(data -> report.put("compared_on", data));
    report.put("errors", errors.stream().map(QuantizeReport::describe).toList());
    scores.ifPresent(s -> {
      report.put("characters", s.after().characters());
      report.put("bits_per_char_before", s.before().bitsPerChar());
      report.put("bits_per_char_after", s.after().bitsPerChar());
      report.put("clamped_values", s.after().clamped());
    });
    report.put("verified", verified.isPresent());
    verified.ifPresent(v -> {
      report.put("largest_error", v.error());
      report.put("tolerance", v.tolerance());
    });
    return report;
  }

  private static Map<String, Object> describe(LayerError error) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("layer", error.layer());
    description.put("largest", error.largest());
    description.put("rms", error.rms());
    description.put("clamped", error.clamped());
    description.put("steps", error.steps());
    return description;
  }
}
