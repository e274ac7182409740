using System.Buffers.Binary;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SK {..., N(AUTH_LIFETIME)}    <--            RFC 4478: with the last answer of IKE_AUTH, a responder says how long its peer's proof counts
//
// HDR, SK {N(AUTH_LIFETIME)}         <--            or later, by a question of its own: that the peer is to authenticate again within that time
//                                    -->  HDR, SK {}

/// <summary>It is for the peer to authenticate again, who came here: he is told to.</summary>
sealed class AuthLifetime(ulong token) : Errand
{
    /// <summary>Soon, but with the time to end what the peer has begun.</summary>
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    public override string Task => "IKE_AUTH_LIFETIME";
    public override bool TakeAlong(Turn t) => true;

    public static Payload Say(TimeSpan lifetime)
    {
        var seconds = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(seconds, (uint)Math.Clamp(lifetime.TotalSeconds, 1, uint.MaxValue));
        return new Payload.Notify(NotifyType.AuthLifetime, seconds);
    }

    public static void Hear(Turn t, Established e, IkeMessage message)
    {
        if (t.Sa.IsOriginalInitiator && message.Find(NotifyType.AuthLifetime) is { Data.Length: 4 } lifetime)
            e.ReauthenticateWithin(t, TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(lifetime.Data.Span)));
    }

    public override bool Ask(Turn t, Established e)
    {
        t.Note(Severity.Info, Subject.Ike, $"asking {e.RemoteId} to authenticate again within {Soon.TotalSeconds:0} s");
        e.Ask(t, ExchangeType.Informational, [Say(Soon)]);
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response) => t.Done(token);

    public override void Abandon(Turn t, Failure failure) => t.Done(token, failure);
}
