package io.github.stillgate.core.kernel;

import io.github.stillgate.contract.BatchContract;
import io.github.stillgate.contract.LifetimeContract;
import io.github.stillgate.contract.PaddingContract;
import io.github.stillgate.contract.SequenceContract;
import io.github.stillgate.contract.SessionContract;
import org.junit.jupiter.api.Nested;

class ReferenceBackendTest {
  @Nested
  class Sessions extends SessionContract {
    Sessions() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Batches extends BatchContract {
    Batches() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Sequences extends SequenceContract {
    Sequences() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Lifetimes extends LifetimeContract {
    Lifetimes() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Padding extends PaddingContract {
    Padding() {
      super(BackendRegistry.require("reference"));
    }
  }
}
