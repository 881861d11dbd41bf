package io.github.stillgate.bench.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.kernel.ffm.Blas;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fork itself fails if a contender's answers differ. */
class LayerForkTest {
  /** No multiple of the widest vector. */
  private static final int UNITS = 20;

  private static final List<String> BACKENDS =
      BackendRegistry.usable().stream().map(Backend::name).toList();

  @ParameterizedTest
  @CsvSource({"gru,1,1", "gru,5,1", "gru,1,60", "lstm,5,1"})
  void everyContenderIsTimedOnTheSameAnswers(String kind, int streams, int steps) {
    List<LayerFork.Found> found = run(new Case(kind, UNITS, streams, steps));
    assertThat(found).extracting(one -> one.who().layer()).containsOnly(kind);
    assertThat(found)
        .extracting(LayerFork.Found::who)
        .containsAll(own(kind))
        .containsAll(peer(kind));
    for (LayerFork.Found one : found) {
      assertThat(one.calls()).as("%s", one.who()).isPositive();
      assertThat(one.p50()).as("%s", one.who()).isPositive().isLessThanOrEqualTo(one.p99());
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "5,1", "1,60"})
  void anSruRunsBesideAnLstmOfTheSameWidth(int streams, int steps) {
    List<LayerFork.Found> found = run(new Case("sru", UNITS, streams, steps));
    assertThat(found)
        .extracting(LayerFork.Found::who)
        .containsAll(own("sru"))
        .containsAll(own("lstm"))
        .containsAll(peer("lstm"))
        .doesNotContain(new LayerFork.Who("sru", LayerTable.PEER, WeightFormat.F32));
  }

  /** A BLAS of some kind is always there: netlib in Java is on this class path. */
  @ParameterizedTest
  @CsvSource({"1,1,false", "5,1,true", "1,60,true"})
  void aBlasRunsWhereSeveralVectorsAreMultipliedTogether(int streams, int steps, boolean expected) {
    String name = BACKENDS.getFirst() + " + " + Blas.system().identity().kind().title();
    List<Group> groups = Group.all(new Case("sru", 8, streams, steps), BACKENDS);
    assertThat(groups).extracting(Group::layer).containsExactly("sru", "lstm");
    for (Group group : groups) {
      assertThat(group.contenders().stream().anyMatch(one -> one.name().equals(name)))
          .as(group.layer())
          .isEqualTo(expected);
      assertThat(group.leftOut()).isEmpty();
      group.contenders().forEach(Contender::close);
    }
  }

  @Test
  void whatIsMissingIsLeftOutWithTheReason() {
    List<PlanOptions> ways =
        List.of(
            PlanOptions.defaults().withBackend("reference"),
            PlanOptions.defaults().withBackend("abacus"));
    Group group = Group.of(LayerKind.of("sru"), new Case("sru", 8, 1, 1), ways);
    assertThat(group.contenders()).extracting(Contender::name).containsExactly("reference");
    assertThat(group.leftOut()).singleElement().asString().contains("left out", "\"abacus\"");
    group.contenders().forEach(Contender::close);
  }

  @ParameterizedTest
  @CsvSource({"first call,0", "second call,1"})
  void aWrongAnswerOfAnyCallIsRefused(String name, int wrongCall) {
    Case one = new Case("gru", 8, 1, 60);
    Group right =
        Group.of(
            LayerKind.of("gru"), one, List.of(PlanOptions.defaults().withBackend("reference")));
    Group group =
        new Group(
            "gru", 8, List.of(right.contenders().getFirst(), new Wrong(one, wrongCall)), List.of());
    assertThatIllegalStateException()
        .as(name)
        .isThrownBy(() -> LayerFork.run(List.of(group), one, 0.01))
        .withMessageContaining("gru, call %d, row 59: output 7 of wrong", wrongCall);
  }

  /** The reference backend's answers, but for the last value of one call. */
  private static final class Wrong implements Contender {
    private final Contender right;
    private final int wrongCall;
    private int call;

    Wrong(Case one, int wrongCall) {
      this.right =
          OwnLayer.of(
              LayerKind.of(one.layer()).make(one.units()),
              PlanOptions.defaults().withBackend("reference"),
              one);
      this.wrongCall = wrongCall;
    }

    @Override
    public String name() {
      return "wrong";
    }

    @Override
    public WeightFormat weights() {
      return WeightFormat.F32;
    }

    @Override
    public void run(float[][] x, float[][] out) {
      right.run(x, out);
      if (call++ == wrongCall) {
        out[out.length - 1][out[0].length - 1] += 0.001f;
      }
    }

    @Override
    public void close() {
      right.close();
    }
  }

  private static List<LayerFork.Found> run(Case one) {
    return LayerFork.run(Group.all(one, BACKENDS), one, 0.2);
  }

  /** Our backends on a kind of layer, with either format of weights. */
  private static List<LayerFork.Who> own(String kind) {
    return BACKENDS.stream()
        .flatMap(backend ->
            Stream.of(WeightFormat.values())
                .map(weights -> new LayerFork.Who(kind, backend, weights)))
        .toList();
  }

  /** The other runtime on a kind of layer, where it is on the class path. */
  private static List<LayerFork.Who> peer(String kind) {
    return Contender.hasPeer()
        ? List.of(new LayerFork.Who(kind, LayerTable.PEER, WeightFormat.F32))
        : List.of();
  }

  @ParameterizedTest
  @CsvSource({"5,60", "0,1", "1,0"})
  void aCaseIsAStepOrASequence(int streams, int steps) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Case("gru", 8, streams, steps))
        .withMessageContaining("%d streams", streams);
  }

  @Test
  void aForkReadsTheCaseThatItIsGiven() {
    Case one = new Case("sru", 512, 1, 128);
    assertThat(Case.of(one.arguments())).isEqualTo(one);
  }

  @Test
  void anUnknownKindIsRefusedWithTheKnownOnes() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LayerKind.of("sigmoid"))
        .withMessageContaining("\"sigmoid\"")
        .withMessageContaining("gru, lstm, sru");
  }
}
