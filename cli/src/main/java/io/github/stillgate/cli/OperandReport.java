package io.github.stillgate.cli;

import io.github.stillgate.core.plan.OperandScale;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Tells what int8 plans round operands by. */
final class OperandReport {
  private final List<OperandScale> operands;

  OperandReport(List<OperandScale> operands) {
    this.operands = operands;
  }

  void print(Output out) {
    out.table(
        List.of("layer", "operand", "int8 scale"),
        operands.stream()
            .map(operand -> List.of(operand.layer(), operand.operand().word(), described(operand)))
            .toList());
  }

  private static String described(OperandScale operand) {
    return switch (operand.origin()) {
      case PROVED -> "1/127, proved to lie within [-1, 1]";
      case CALIBRATED ->
          String.format(
              Locale.ROOT,
              "%.3g from data, for values up to %.3g",
              operand.scale(),
              127 * operand.scale());
      case EACH_STEP -> "taken in each step; no columns are skipped";
    };
  }

  List<Map<String, Object>> describe() {
    return operands.stream().map(OperandReport::describe).toList();
  }

  private static Map<String, Object> describe(OperandScale operand) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("layer", operand.layer());
    description.put("operand", operand.operand().word());
    description.put("origin", operand.origin().name().toLowerCase(Locale.ROOT));
    if (operand.origin() != OperandScale.Origin.EACH_STEP) {
      description.put("scale", operand.scale());
    }
    return description;
  }
}
