using Kuguru.Nat;

namespace Kuguru.Ike;

/// <summary>The keepalives of one IKE SA (RFC 3948 section 4).</summary>
sealed class KeepAlives
{
    bool _holdsMapping;

    public void Send(SessionTurn t, Path path)
    {
        // The first one is news, the thousands that follow are not.
        t.Note(_holdsMapping ? Severity.Debug : Severity.Info, Subject.Network, $"sending keep alive to {path.Remote}");
        _holdsMapping = true;
        t.Add(new Effect.Transmit(path, Blob.Copy(Demux.Keepalive)));
    }
}
