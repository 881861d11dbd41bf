/**
 * One layer at work. A {@link io.github.stillgate.core.stage.Stage} is a layer packed for a
 * backend; opened for a stream it is a {@link io.github.stillgate.core.stage.Run}, a list of {@link
 * io.github.stillgate.core.stage.Phase phases}, each with an optional product and an elementwise
 * end. A {@link io.github.stillgate.core.stage.Network} is all of a plan's stages and everybody who
 * runs them: {@link io.github.stillgate.core.stage.StreamRun one stream}, {@link
 * io.github.stillgate.core.stage.BatchRun a batch}, {@link
 * io.github.stillgate.core.stage.SequenceRun whole sequences}.
 *
 * <p>Not exported: what is here checks no values. Plans, sessions, batches and sequences do, and
 * users meet those.
 */
@NullMarked
package io.github.stillgate.core.stage;

import org.jspecify.annotations.NullMarked;
