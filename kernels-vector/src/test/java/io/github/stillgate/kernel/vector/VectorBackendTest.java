package io.github.stillgate.kernel.vector;

import io.github.stillgate.contract.BatchContract;
import io.github.stillgate.contract.LifetimeContract;
import io.github.stillgate.contract.PaddingContract;
import io.github.stillgate.contract.SequenceContract;
import io.github.stillgate.contract.SessionContract;
import io.github.stillgate.contract.SumsContract;
import io.github.stillgate.core.kernel.Backend;
import org.junit.jupiter.api.Nested;

class VectorBackendTest {
  @Nested
  class Sums implements SumsContract {
    @Override
    public Backend backend() {
      return new VectorBackend();
    }
  }

  @Nested
  class Sessions extends SessionContract {
    Sessions() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Batches extends BatchContract {
    Batches() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Sequences extends SequenceContract {
    Sequences() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Lifetimes extends LifetimeContract {
    Lifetimes() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Padding extends PaddingContract {
    Padding() {
      super(new VectorBackend());
    }
  }
}
