package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.WeightedSum;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Convolutions of rows and planes, by their sums in float64. */
class OnnxConvolutionTest extends OnnxGraphCases {
  private static float[][][] kernel(int seed, int outputs, int inputs, int taps) {
    float[] values = random(seed, outputs * inputs * taps);
    float[][][] kernel = new float[outputs][inputs][taps];
    for (int i = 0; i < values.length; i++) {
      kernel[i / taps / inputs][i / taps % inputs][i % taps] = values[i];
    }
    return kernel;
  }

  @Test
  void convolutions() throws Exception {
    float[] x = random(13, 4 * 9);
    float[] b = random(14, 6);
    record Case(int outputs, int groups, int taps, int stride, int dilation, int[] pads) {}
    for (Case c :
        List.of(
            new Case(6, 1, 3, 2, 1, new int[] {2, 0}),
            new Case(6, 2, 2, 1, 3, new int[] {0, 1}),
            new Case(4, 4, 3, 1, 1, new int[] {1, 1}))) {
      int inputs = 4 / c.groups();
      float[][][] w = kernel(15, c.outputs(), inputs, c.taps());
      double[] expected =
          convolution(
              rows(x, 4),
              w,
              Arrays.copyOf(b, c.outputs()),
              c.groups(),
              c.stride(),
              c.dilation(),
              c.pads());
      OnnxGraph graph =
          new OnnxGraph()
              .input("x", 1, 4, 9)
              .constant(
                  tensor(
                      "w",
                      random(15, c.outputs() * inputs * c.taps()),
                      c.outputs(),
                      inputs,
                      c.taps()))
              .constant(tensor("b", Arrays.copyOf(b, c.outputs()), c.outputs()))
              .node(
                  "Conv",
                  List.of("x", "w", "b"),
                  List.of("z"),
                  Map.of(
                      "group",
                      c.groups(),
                      "strides",
                      List.of(c.stride()),
                      "dilations",
                      List.of(c.dilation()),
                      "pads",
                      List.of(c.pads()[0], c.pads()[1])))
              .node("Relu", "y", "z");
      passes(
          graph,
          14,
          List.of(tensor("x", x, 1, 4, 9)),
          tensor(
              "y",
              each(expected, v -> Math.max(0, v)),
              1,
              c.outputs(),
              expected.length / c.outputs()));
      Layer layer = open(graph).model().layers().getLast();
      Layer product = open(graph).model().layers().get(open(graph).model().layers().size() - 2);
      assertThat(layer).isNotInstanceOf(Positions.class);
      if (c.groups() == 4) {
        assertThat(((WeightedSum) product).activation()).isEqualTo(Activation.RELU);
      } else {
        assertThat(((Positions) product).activation()).isEqualTo(Activation.RELU);
      }
    }
  }

  @Test
  void transposedConvolutions() throws Exception {
    float[] x = random(16, 4 * 5);
    float[] w = random(17, 4 * 3 * 3);
    int stride = 2;
    int given = stride * 4 + 3 - 1 + 1;
    double[] y = new double[6 * given];
    for (int c = 0; c < 4; c++) {
      for (int i = 0; i < 5; i++) {
        for (int o = 0; o < 3; o++) {
          for (int k = 0; k < 3; k++) {
            int at = stride * i + k - 1;
            if (at >= 0 && at < given) {
              y[(c / 2 * 3 + o) * given + at] += w[(c * 3 + o) * 3 + k] * x[c * 5 + i];
            }
          }
        }
      }
    }
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 4, 5)
            .constant(tensor("w", w, 4, 3, 3))
            .node(
                "ConvTranspose",
                List.of("x", "w"),
                List.of("y"),
                Map.of(
                    "group",
                    2,
                    "strides",
                    List.of(stride),
                    "pads",
                    List.of(1, 0),
                    "output_padding",
                    List.of(1)));
    passes(graph, 14, List.of(tensor("x", x, 1, 4, 5)), tensor("y", y, 1, 6, given));
  }

  @Test
  void planesArePaddedAndConvolved() throws Exception {
    float[] w = random(18, 2 * 2 * 2 * 3);
    OnnxGraph graph =
        cubeGraph()
            .whole("pads", 0, 0, 1, 2, 0, 0, 0, 1)
            .node("Pad", List.of("x", "pads"), List.of("p"), Map.of("mode", "reflect"))
            .constant(tensor("w", w, 2, 2, 2, 3))
            .node("Conv", "y", "p", "w");
    At padded =
        (c, i, j) -> {
          int row = Math.abs(i - 1);
          int column = Math.abs(j - 2);
          return x(c, row, column > 3 ? 6 - column : column);
        };
    cubePasses(
        graph,
        at(
            2,
            3,
            5,
            (o, i, j) -> {
              double sum = 0;
              for (int k = 0; k < 12; k++) {
                sum += w[o * 12 + k] * padded.of(k / 6, i + k / 3 % 2, j + k % 3);
              }
              return sum;
            }),
        1,
        2,
        3,
        5);
    cubePasses(
        cubeGraph()
            .whole("pads", 0, 0, 0, 1, 0, 0, 0, 0)
            .constant(tensor("seven", new float[] {7}, 1))
            .node("Pad", "y", "x", "pads", "seven"),
        at(2, 3, 5, (c, i, j) -> j == 0 ? 7 : x(c, i, j - 1)),
        1,
        2,
        3,
        5);
  }

  @Test
  void biasAndActivationBecomePartOfTheProduct() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("a", 1, 3)
            .input("b", 1, 3)
            .constant(tensor("w", random(1, 6), 3, 2))
            .constant(tensor("c", random(2, 2), 2))
            .node("Add", "s", "a", "b")
            .node("MatMul", "m", "s", "w")
            .node("Add", "z", "m", "c")
            .node("Tanh", "y", "z")
            .output("y");
    Model model = open(graph).model();
    assertThat(model.layers()).hasSize(2);
    assertThat(((Dense) model.layers().getLast()).activation()).isEqualTo(Activation.TANH);
    // What another node reads stays as it is.
    OnnxGraph shared = graph.node("Exp", "e", "z").output("e");
    assertThat(open(shared).model().layers()).hasSize(4);
  }

  /** Of each channel alone, with two outputs each, strides and dilations that differ by axis. */
  @Test
  void planesOfEachChannelAreConvolved() throws Exception {
    float[] w = random(41, 4 * 2 * 2);
    OnnxGraph graph =
        cubeGraph()
            .constant(tensor("w", w, 4, 1, 2, 2))
            .node(
                "Conv",
                List.of("x", "w"),
                List.of("y"),
                Map.of("group", 2, "strides", List.of(2, 1), "dilations", List.of(1, 2)));
    cubePasses(
        graph,
        at(
            4,
            1,
            2,
            (o, i, j) -> {
              double sum = 0;
              for (int k = 0; k < 4; k++) {
                sum += w[o * 4 + k] * x(o / 2, 2 * i + k / 2, j + 2 * (k % 2));
              }
              return sum;
            }),
        1,
        4,
        1,
        2);
  }

  @Test
  void planesAreConvolvedBackwards() throws Exception {
    float[] w = random(42, 2 * 3 * 2 * 2);
    double[] y = new double[3 * 4 * 8];
    for (int c = 0; c < 2; c++) {
      for (int o = 0; o < 3; o++) {
        for (int k = 0; k < 12 * 4; k++) {
          int row = k / 16 + k / 2 % 2;
          int column = 2 * (k / 4 % 4) + k % 2;
          y[(o * 4 + row) * 8 + column] +=
              w[((c * 3 + o) * 2 + k / 2 % 2) * 2 + k % 2] * x(c, k / 16, k / 4 % 4);
        }
      }
    }
    cubePasses(
        cubeGraph()
            .constant(tensor("w", w, 2, 3, 2, 2))
            .node(
                "ConvTranspose", List.of("x", "w"), List.of("y"), Map.of("strides", List.of(1, 2))),
        y,
        1,
        3,
        4,
        8);
  }
}
