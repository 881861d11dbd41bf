package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import io.github.stillgate.importers.onnx.generated.OnnxReference;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxTestCommandTest {
  @TempDir Path folder;

  /** Two good cases and one that is not supported. */
  @BeforeEach
  void writeCases() throws Exception {
    for (String operator : List.of("GRU", "LSTM")) {
      RecurrentSpec spec = RecurrentSpec.of(operator);
      spec.toCase().write(folder.resolve("test_" + operator), OnnxReference.outputs(spec));
    }
    OnnxGraph attention =
        new OnnxGraph().input("X", 2, 1, 3).node("Attention", "Y", "X").output("Y");
    new GeneratedCase(
            "attention",
            attention.model(),
            List.of(OnnxGraph.tensor("X", new long[] {2, 1, 3}, new float[6])))
        .write(folder.resolve("test_attention"), List.of());
  }

  @Test
  void aFolderOfCasesPrintsALineForEachAndASummary() {
    for (Backends.Entry backend : Backends.report()) {
      if (backend.isUsable()) {
        Outcome all = run("onnx-test", folder.toString(), "--backend", backend.name());
        assertThat(all.code()).as(all.out() + all.err()).isZero();
        assertThat(all.out())
            .contains("pass         test_GRU: largest error")
            .contains("pass         test_LSTM: largest error")
            .contains("unsupported  test_attention:")
            .contains("node \"attention_Y\" (Attention)")
            .contains("supported are")
            .contains("2 of 3 cases passed, 0 failed, 1 unsupported")
            .contains("backend " + backend.name());
      }
    }
  }

  /**
   * Without --set a case decides by its own value; a case that gives another than was set fails.
   */
  @Test
  void anInputThatIsSetDecidesABranch() throws Exception {
    RecurrentSpec spec = RecurrentSpec.of("GRU");
    GeneratedCase plain = spec.toCase();
    OnnxGraph graph = new OnnxGraph().input("X", 6, 3, 4);
    graph.typedInput("rate", TensorProto.DataType.INT64_VALUE);
    plain.model().getGraph().getInitializerList().forEach(graph::constant);
    graph.constant(OnnxGraph.number("fast", 16_000)).node("Equal", "is", "rate", "fast");
    graph.choice("Y", "is", branch("forward"), branch("reverse")).output("Y");
    List<TensorProto> in = List.of(plain.inputs().getFirst(), OnnxGraph.number("rate", 16_000));
    new GeneratedCase("branch", graph.model(), in)
        .write(folder.resolve("test_branch"), OnnxReference.outputs(spec).subList(0, 1));
    assertThat(run("onnx-test", folder.toString()).out())
        .contains("pass         test_branch", "3 of 4 cases passed, 0 failed, 1 unsupported");
    Outcome set = run("onnx-test", folder.toString(), "--set", "rate=16000");
    assertThat(set.out())
        .contains("pass         test_branch", "3 of 4 cases passed, 0 failed, 1 unsupported");
    assertThat(run("onnx-test", folder.toString(), "--set", "rate=8000").out())
        .contains("fail         test_branch", "input \"rate\" has another value than was set");
  }

  private static OnnxGraph branch(String direction) {
    return new OnnxGraph()
        .node(
            "GRU",
            List.of("X", "W", "R"),
            List.of("inner"),
            Map.of("hidden_size", 5, "direction", direction))
        .output("inner");
  }

  @Test
  void oneCaseIsAFolderToo() {
    Outcome one = run("onnx-test", folder.resolve("test_GRU").toString());
    assertThat(one.code()).isZero();
    assertThat(one.out()).contains("1 of 1 cases passed");
  }

  @Test
  void aCaseOutOfToleranceFailsAndSaysWhere() throws Exception {
    Path wrong = folder.resolve("test_GRU").resolve("test_data_set_0");
    float[] values = new float[6 * 3 * 5];
    Files.write(
        wrong.resolve("output_0.pb"),
        OnnxGraph.tensor("Y", new long[] {6, 1, 3, 5}, values).toByteArray());
    Outcome failed = run("onnx-test", folder.toString());
    assertThat(failed.code()).isEqualTo(1);
    assertThat(failed.out())
        .contains("fail         test_GRU:")
        .contains("output \"Y\": value")
        .contains("expected 0.0")
        .contains("1 failed");
    assertThat(run("onnx-test", folder.toString(), "--tolerance", "2").code()).isZero();
  }

  @Test
  void aBrokenFileFailsItsCaseOnly() throws Exception {
    Path model = folder.resolve("test_LSTM").resolve("model.onnx");
    byte[] whole = Files.readAllBytes(model);
    Files.write(model, Arrays.copyOf(whole, whole.length / 2));
    Outcome failed = run("onnx-test", folder.toString());
    assertThat(failed.code()).isEqualTo(1);
    assertThat(failed.out())
        .contains("pass         test_GRU")
        .contains("fail         test_LSTM: " + model + ": truncated")
        .contains("1 of 3 cases passed, 1 failed, 1 unsupported");
  }

  @Test
  void jsonHasEveryCase() throws Exception {
    Outcome outcome = run("onnx-test", folder.toString(), "--json");
    JsonNode report = JsonMapper.builder().build().readTree(outcome.out());
    assertThat(report.get("passed").intValue()).isEqualTo(2);
    assertThat(report.get("failed").intValue()).isZero();
    assertThat(report.get("unsupported").intValue()).isEqualTo(1);
    assertThat(report.get("cases")).hasSize(3);
    assertThat(report.get("cases").get(0).get("name").textValue()).isEqualTo("test_GRU");
    assertThat(report.get("cases").get(0).get("largest_error").doubleValue()).isBetween(0.0, 1e-5);
    assertThat(report.get("cases").get(2).get("reason").textValue()).contains("Attention");
  }

  @Test
  void wrongArgumentsAreNamed() throws Exception {
    assertThat(run("onnx-test", folder.resolve("none").toString()).err())
        .contains("no such folder");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThat(run("onnx-test", empty.toString()).err()).contains("holds no case");
    assertThat(run("onnx-test", folder.toString(), "--backend", "abacus").err()).contains("abacus");
    for (String tolerance : List.of("-1", "NaN", "Infinity")) {
      assertThat(run("onnx-test", folder.toString(), "--tolerance", tolerance).code()).isEqualTo(2);
    }
  }
}
