package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Positions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LayerStructureTest {
  /** Rows of {@code zeros}, as {@code tensor:row}, become 0, half of them -0. */
  private static Model without(Model model, Set<String> zeros) {
    return Sparsity.of(
        model,
        (tensor, row, column, weight) ->
            zeros.contains(tensor + ":" + row) ? column % 2 == 0 ? 0 : -0f : weight);
  }

  @Test
  void anLstmHasSixteenPatterns() {
    // 9 tokens, 4 cells; unit 1 keeps o alone, unit 2 i and o, unit 3 nothing.
    Model model =
        without(
            TestModels.lstm(9, 4, 3, 1),
            Set.of(
                "rnn0.Wi:1",
                "rnn0.Ui:1",
                "rnn0.Wf:1",
                "rnn0.Uf:1",
                "rnn0.Wg:1",
                "rnn0.Ug:1",
                "rnn0.Wf:2",
                "rnn0.Uf:2",
                "rnn0.Wg:2",
                "rnn0.Ug:2",
                "rnn0.Wi:3",
                "rnn0.Ui:3",
                "rnn0.Wf:3",
                "rnn0.Uf:3",
                "rnn0.Wg:3",
                "rnn0.Ug:3",
                "rnn0.Wo:3",
                "rnn0.Uo:3",
                // A row of one matrix alone makes no gate constant.
                "rnn0.Wi:0"));
    LayerStructure first = LayerStructure.of(model).getFirst();
    assertThat(first.layer()).isEqualTo("rnn0");
    assertThat(first.kind()).isEqualTo("lstm");
    assertThat(first.units()).isEqualTo(4);
    assertThat(first.gates()).containsExactly("i", "f", "g", "o");
    assertThat(first.gates().stream().map(first::movingGates)).containsExactly(2, 1, 1, 3);
    assertThat(first.movingGates()).isEqualTo(7);
    assertThat(first.allGates()).isEqualTo(16);
    assertThat(first.isConstant("o", 3)).isTrue();
    assertThat(first.isConstant("o", 2)).isFalse();
    assertThat(first.patterns())
        .hasSize(16)
        .containsOnlyKeys(
            "ifgo", "ifg-", "if-o", "if--", "i-go", "i-g-", "i--o", "i---", "-fgo", "-fg-", "-f-o",
            "-f--", "--go", "--g-", "---o", "----");
    assertThat(first.patterns())
        .containsAllEntriesOf(Map.of("ifgo", 1, "i--o", 1, "---o", 1, "----", 1));
    assertThat(first.patterns().values().stream().mapToInt(Integer::intValue).sum()).isEqualTo(4);
    assertThat(first.weights()).isEqualTo(4 * 4 * (9 + 4));
    assertThat(first.nonZeroWeights()).isEqualTo(4 * 4 * (9 + 4) - 9 * (9 + 4) - 9);
  }

  /** Peepholes of 0 are none; the second layer of the model has them, and a projection. */
  @Test
  void aPeepholeMovesAGate() {
    Set<String> rows = Set.of("rnn1.Wi:0", "rnn1.Ui:0", "rnn1.Wi:1", "rnn1.Ui:1");
    Model model = without(TestModels.lstm(9, 4, 3, 1), rows);
    LayerStructure second = LayerStructure.of(model).get(1);
    assertThat(second.movingGates("i")).isEqualTo(4);
    Model sees = Sparsity.of(model, (t, r, _, w) -> t.equals("rnn1.pi") && r == 0 ? -0f : w);
    LayerStructure other = LayerStructure.of(sees).get(1);
    assertThat(other.movingGates("i")).isEqualTo(3);
    assertThat(other.isConstant("i", 0)).isTrue();
    assertThat(other.units()).isEqualTo(4);
    assertThat(second.weights()).isEqualTo(4 * 4 * (4 + 3) + 3 * 4 + 3 * 4);
  }

  /** Weights that all positions share are there once. */
  @Test
  void layersAtPositionsHaveTheirWeights() {
    Positions products =
        new Positions(
            "a",
            2,
            1,
            Matrix.of("w", 2, 3, 1, 0, 2, 0, 0, 3),
            Matrix.vector("b", 1, 2),
            Activation.TANH);
    LayerStructure structure = LayerStructure.of(new Model(List.of(products))).getFirst();
    assertThat(structure.weights()).isEqualTo(6);
    assertThat(structure.nonZeroWeights()).isEqualTo(3);
    Layer lstm = TestModels.lstm(9, 4, 3, 1).layers().get(1);
    LayerStructure alone = LayerStructure.of(new Model(List.of(lstm))).getFirst();
    LayerStructure along = LayerStructure.of(new Model(List.of(new Along(lstm, 5)))).getFirst();
    assertThat(along.kind()).isEqualTo("lstm");
    assertThat(along.gates()).isEqualTo(alone.gates());
    assertThat(along.weights()).isEqualTo(alone.weights());
  }

  @Test
  void coupledGatesHaveNoForgetGate() {
    LayerStructure lstm = LayerStructure.of(TestModels.coupled(9, 4, 1)).getFirst();
    assertThat(lstm.gates()).containsExactly("i", "g", "o");
    assertThat(lstm.allGates()).isEqualTo(12);
    assertThat(lstm.patterns()).hasSize(8).containsEntry("igo", 4);
  }

  /** A bias in the reset product is multiplied by r, so the candidate moves as long as r does. */
  @Test
  void aBiasInTheResetProductMovesWithTheReset() {
    Model model =
        without(
            TestModels.resetBias(9, 4, 1),
            Set.of("rnn0.Wc:0", "rnn0.Uc:0", "rnn0.Wc:1", "rnn0.Uc:1", "rnn0.Wr:1", "rnn0.Ur:1"));
    LayerStructure gru = LayerStructure.of(model).getFirst();
    assertThat(gru.gates()).containsExactly("z", "r", "c");
    assertThat(gru.pattern(0)).isEqualTo("zrc");
    assertThat(gru.pattern(1)).isEqualTo("z--");
    assertThat(gru.patterns()).containsEntry("zrc", 3).containsEntry("z--", 1).hasSize(8);
    LayerStructure before =
        LayerStructure.of(
                without(TestModels.resetBefore(9, 4, 1), Set.of("rnn0.Wc:0", "rnn0.Uc:0")))
            .get(1);
    assertThat(before.pattern(0)).isEqualTo("zr-");
  }

  @Test
  void gatesOfAConditionalGruAreThoseOfItsForm() {
    // Unit 0 reads bottleneck unit 0 alone, which reads nothing.
    Model unit =
        Sparsity.of(
            without(TestModels.conditional(7, 5, 2, 1), Set.of("rnn0.Wu:0", "rnn0.Uu:0")),
            (t, r, c, w) -> t.equals("rnn0.Wz") && r == 0 && c == 1 ? 0 : w);
    assertThat(LayerStructure.of(unit).getFirst().pattern(0)).isEqualTo("-rc");
    assertThat(LayerStructure.of(unit).getFirst().movingGates("z")).isEqualTo(4);
    Model block = without(TestModels.block(7, 2, 3, 1), Set.of("rnn0.Wu:1", "rnn0.Uu:1"));
    assertThat(LayerStructure.of(block).getFirst().movingGates("z")).isEqualTo(3);
    Model hybrid =
        without(
            TestModels.hybrid(7, 2, 3, 1),
            Set.of("rnn0.Wu:1", "rnn0.Uu:1", "rnn0.V:4", "rnn0.V:0"));
    // Unit 4 sees neither block; unit 0 sees its own; units 3 and 5 see the other through V.
    assertThat(LayerStructure.of(hybrid).getFirst().movingGates("z")).isEqualTo(5);
    Model full = without(TestModels.full(7, 5, 1), Set.of("rnn0.Wz:2", "rnn0.Uz:2"));
    assertThat(LayerStructure.of(full).getFirst().pattern(2)).isEqualTo("-rc");
  }

  @Test
  void gatesOfAnSruSeeTheirCells() {
    Model model = without(TestModels.sru(9, 5, 1), Set.of("rnn0.W:0", "rnn0.Wf:1", "rnn2.Wf:1"));
    List<LayerStructure> layers = LayerStructure.of(model);
    assertThat(layers.get(0).gates()).containsExactly("u", "f", "r");
    assertThat(layers.get(0).pattern(0)).isEqualTo("-fr");
    assertThat(layers.get(0).pattern(1)).isEqualTo("ufr");
    assertThat(layers.get(2).pattern(1)).isEqualTo("u-r");
    assertThat(layers.get(4).gates()).containsExactly("u", "f");
  }

  @Test
  void directionsAndOtherLayersAreListed() {
    List<LayerStructure> both = LayerStructure.of(TestModels.bidirectional(6, 4, 1));
    assertThat(both.stream().map(LayerStructure::layer))
        .containsExactly(
            "first.forward", "first.backward", "second.forward", "second.backward", "third", "out");
    assertThat(both.stream().map(LayerStructure::kind))
        .containsExactly("gru", "gru", "lstm", "conditional_gru", "gru", "dense");
    LayerStructure out = both.getLast();
    assertThat(out.patterns()).isEmpty();
    assertThat(out.allGates()).isZero();
    assertThat(out.weights()).isEqualTo(4 * 8);
    assertThat(LayerStructure.of(TestModels.resetBefore(9, 4, 1)).getFirst().weights())
        .isEqualTo(9 * 13);
    assertThat(LayerStructure.of(TestModels.coupled(9, 4, 1)).get(1).gates()).containsExactly("h");
  }

  @Test
  void whatIsNotThereIsRefused() {
    LayerStructure gru = LayerStructure.of(TestModels.gru(9, 4, 1)).getFirst();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> gru.movingGates("i"))
        .withMessage("layer rnn0 has no gate i; its gates are [z, r, c]");
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> gru.isConstant("z", 4))
        .withMessage("unit 4 of layer rnn0, which has 4");
  }
}
