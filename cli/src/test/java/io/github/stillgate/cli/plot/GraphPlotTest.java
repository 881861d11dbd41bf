package io.github.stillgate.cli.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class GraphPlotTest {
  private static GraphPlot.Box box(String name, Integer... reads) {
    return new GraphPlot.Box(name, "add, 4", "0 weights", GraphPlot.Role.COMPUTES, List.of(reads));
  }

  private static Document xml(GraphPlot plot) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(plot.toString().getBytes(StandardCharsets.UTF_8)));
  }

  private static List<Element> all(Document document, String tag) {
    NodeList found = document.getElementsByTagName(tag);
    return IntStream.range(0, found.getLength()).mapToObj(i -> (Element) found.item(i)).toList();
  }

  /** A network as they are: long runs, branches that join, and values that are read far below. */
  private static List<List<Integer>> network(int count, long seed) {
    Random random = new Random(seed);
    List<List<Integer>> reads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Integer> of = new ArrayList<>();
      if (i > 0) {
        of.add(random.nextInt(5) == 0 ? Math.max(0, i - 4) : i - 1);
      }
      if (i > 3 && random.nextInt(6) == 0) {
        int far = random.nextInt(i);
        if (!of.contains(far)) {
          of.add(far);
        }
      }
      reads.add(of);
    }
    return reads;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 40, 300})
  void boxesStandApartAndBelowWhatTheyRead(int count) {
    List<List<Integer>> reads = network(count, count);
    double[] widths = new Random(1).doubles(count, 40, 200).toArray();
    LayeredLayout layout = new LayeredLayout(widths, reads);
    List<LayeredLayout.Vertex> boxes = layout.vertices().subList(0, count);
    for (int i = 0; i < count; i++) {
      assertThat(boxes.get(i).box).isEqualTo(i);
      assertThat(boxes.get(i).rank).isLessThan(layout.depth());
      for (int read : reads.get(i)) {
        assertThat(boxes.get(i).rank).isGreaterThan(boxes.get(read).rank);
      }
    }
    layout.vertices().stream()
        .collect(Collectors.groupingBy(v -> v.rank))
        .forEach((_, rank) -> {
          rank.sort(Comparator.comparingDouble(LayeredLayout.Vertex::x));
          for (int i = 0; i < rank.size(); i++) {
            double left = rank.get(i).x() - rank.get(i).width / 2;
            double before = i == 0 ? 0 : rank.get(i - 1).x() + rank.get(i - 1).width / 2 + 9.999;
            assertThat(left).isGreaterThanOrEqualTo(before - 1e-6);
          }
        });
    assertThat(layout.width()).isGreaterThanOrEqualTo(widths[0]);
  }

  /** Every line leads from a box through bends of neighbouring ranks to one that reads it. */
  @Test
  void everyReadIsALine() {
    int count = 60;
    List<List<Integer>> reads = network(count, 3);
    LayeredLayout layout = new LayeredLayout(new double[count], reads);
    List<String> expected = new ArrayList<>();
    List<String> found = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      for (int read : reads.get(i)) {
        expected.add(read + " " + i);
      }
      follow(layout.vertices().get(i), i, found);
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(expected);
  }

  private static void follow(LayeredLayout.Vertex at, int from, List<String> found) {
    for (LayeredLayout.Vertex below : at.down) {
      assertThat(below.rank).isEqualTo(at.rank + 1);
      if (below.isBend()) {
        follow(below, from, found);
      } else {
        found.add(from + " " + below.box);
      }
    }
  }

  /** Two pairs named crosswise are put so that their lines do not cross. */
  @Test
  void linesThatNeedNotCrossDoNot() {
    LayeredLayout layout =
        new LayeredLayout(
            new double[] {50, 50, 50, 50, 50},
            List.of(List.of(), List.of(), List.of(1), List.of(0), List.of(2, 3)));
    List<LayeredLayout.Vertex> boxes = layout.vertices();
    assertThat(boxes.get(0).x() < boxes.get(1).x()).isEqualTo(boxes.get(3).x() < boxes.get(2).x());
  }

  @Test
  void textIsKeptAsText() throws Exception {
    Document document =
        xml(
            new GraphPlot(
                "a <title> & \u0000",
                List.of(box("<in>"), box("encoder\ud83d\ude00convs.0/block.1/aconv/Conv", 0))));
    assertThat(all(document, "text"))
        .map(Element::getTextContent)
        .contains("a <title> & \ufffd", "<in>", "add, 4", "\u2026convs.0/block.1/aconv/Conv");
    assertThat(all(document, "title"))
        .map(Element::getTextContent)
        .contains("encoder\ud83d\ude00convs.0/block.1/aconv/Conv: add, 4; 0 weights");
    assertThat(all(document, "path")).hasSize(2);
  }

  @Test
  void aDetailKeepsItsWidth() throws Exception {
    Document document =
        xml(
            new GraphPlot(
                "net",
                List.of(
                    new GraphPlot.Box(
                        "x",
                        "dense at 65 positions in 16 groups, leaky_relu, 1040",
                        "",
                        GraphPlot.Role.MULTIPLIES,
                        List.of()))));
    assertThat(all(document, "text"))
        .map(Element::getTextContent)
        .contains("dense at 65 positions in 16\u2026, 1040");
  }

  /** Each of many boxes reads all before it: what nobody could look at is refused. */
  @Test
  void whatIsTooTangledIsRefused() {
    List<GraphPlot.Box> boxes = new ArrayList<>();
    for (int i = 0; i < 900; i++) {
      boxes.add(box("n" + i, IntStream.range(0, i).boxed().toArray(Integer[]::new)));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GraphPlot("net", boxes))
        .withMessageContaining("too tangled to draw");
  }
}
