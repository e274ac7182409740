using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>Something that an established IKE SA has to ask its peer. The window lets one out at a time; the others queue.</summary>
abstract class Errand
{
    /// <summary>charon's name for it, for <c>tasks-queued</c> and <c>tasks-active</c>.</summary>
    public abstract string Task { get; }

    /// <summary>Not earlier than this; null is at once.</summary>
    public virtual Instant? NotBefore { get; protected set; }

    /// <summary>Goes before all others that wait: until it is settled where the peers are, nothing else may get there.</summary>
    public virtual bool IsUrgent => false;

    /// <summary>Sends the question; false when there is nothing to ask any more.</summary>
    public abstract bool Ask(Turn t, Established e);

    public abstract void Conclude(Turn t, Established e, IkeMessage response);

    /// <summary>
    /// The peer has asked for new keys of the IKE SA before it has answered, and what it answers under the old ones says nothing any more (RFC 7296
    /// section 2.25.2). Gets ready to be asked once more, under the new ones; false when nobody wants to know any more.
    /// </summary>
    public virtual bool TakeAlong(Turn t) => false;

    /// <summary>The IKE SA ends before the answer.</summary>
    public virtual void Abandon(Turn t, Failure failure) { }
}
