package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Inputs and outputs by their names, whatever backend is below them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class GraphNamesContract {
  private final Backend backend;

  protected GraphNamesContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  /** What a refused vector, or a state set from outside, leaves is no input and no output. */
  @Test
  void whatIsReplacedIsForgotten() {
    try (Plan plan = Plan.compile(TestModels.gru(3, 8, 2), options());
        Session session = Session.open(plan)) {
      int inputs = plan.model().inputs();
      float[] y = new float[plan.model().outputs()];
      session.set("input", new float[inputs]);
      float[] refused = new float[inputs];
      refused[0] = Float.NaN;
      assertThatIllegalArgumentException().isThrownBy(() -> session.step(refused, y));
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(session::step)
          .withMessageContaining("the inputs [input] were not set");
      session.step(new float[inputs], y);
      String output = plan.model().graph().outputs().getFirst();
      session.get(output, y);
      String state = plan.stateNames().getFirst();
      session.state(state, session.state(state));
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> session.get(output, y))
          .withMessageContaining("no step yet");
    }
  }

  @Test
  void inputsAndOutputsAreTakenByTheirNames() {
    Graph graph = GraphContract.feedback();
    try (Plan plan = Plan.compile(new Model(graph), options());
        Session session = Session.open(plan)) {
      float[] y = new float[3];
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> session.step(new float[2], y))
          .withMessageContaining("the model reads [x] and gives [y, x]")
          .withMessageContaining("set(name, values), step(), get(name, values)");
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(session::step)
          .withMessageContaining("the inputs [x] were not set");
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> session.get("y", y))
          .withMessageContaining("no step yet");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.set("z", y))
          .withMessageContaining("no input is named \"z\"; the model has [x]");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.set("x", y))
          .withMessageContaining("input x has 2 values, given are 3");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.set("x", new float[] {1, Float.NaN}))
          .withMessageContaining("value of input x at 1 is NaN");
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(session::step);
      session.set("x", new float[2]);
      session.step();
      session.get("y", y);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.get("y", new float[2]))
          .withMessageContaining("room for 2 values, output y has 3");
      session.reset();
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> session.get("y", y));
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> Sequence.open(plan))
          .withMessageContaining("Session.open(plan)");
    }
  }

  @Test
  void aGraphThatIsAChainRunsAsOne() {
    Model chain = TestModels.vectors(6, 20, 4, 3);
    Graph.Builder named = Graph.builder().input("audio", 6);
    String before = "audio";
    for (Layer layer : chain.layers()) {
      named.node(layer, before);
      before = layer.name();
    }
    Model model = new Model(named.output(before).build());
    assertThat(model.fingerprint()).isEqualTo(chain.fingerprint());
    try (Plan plan = Plan.compile(model, options());
        Plan reference = Plan.compile(chain, options());
        Session session = Session.open(plan);
        Session expected = Session.open(reference);
        Sequence sequence = Sequence.open(plan)) {
      float[] x = {0.1f, 0.2f, -0.3f, 0.4f, 0.5f, 0.6f};
      float[] y = new float[4];
      float[] z = new float[4];
      session.set("audio", x);
      session.step();
      session.get("c", y);
      expected.step(x, z);
      assertThat(y).isEqualTo(z);
      assertThat(sequence.run(new float[][] {x})[0]).isEqualTo(z);
      Map<String, float[]> unnamed = new HashMap<>(Map.of("input", x));
      unnamed.forEach(expected::set);
      expected.step();
      expected.get("c", z);
      session.step(x, y);
      assertThat(y).isEqualTo(z);
    }
  }
}
