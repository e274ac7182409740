using System.Text;
using Kuguru.Crypto;
using Kuguru.Ike.Eap;
using Kuguru.Tests.Ike;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Clients;

/// <summary>The user's end of EAP in a client: what it answers to each request.</summary>
abstract class EapClient(byte[] identity) : IDisposable
{
    /// <summary>Requests so far, as types.</summary>
    public List<EapType> Asked { get; } = [];

    public Secret? Msk { get; protected set; }
    protected abstract EapType Method { get; }

    public EapPacket Answer(EapPacket request)
    {
        Assert.Equal(EapCode.Request, request.Code);
        Asked.Add(request.Method);
        return request.Method == EapType.Identity ? EapPacket.Response(request.Identifier, EapType.Identity, identity)
            : request.Method != Method ? EapPacket.Response(request.Identifier, EapType.Nak, (byte[])[(byte)Method.Number])
            : EapPacket.Response(request.Identifier, Method, Take(request.Data));
    }

    /// <summary>From the gateway's first EAP packet to its success, or its failure; gives the packet.</summary>
    public EapPacket Talk(ScriptedClient client, IkeMessage answer)
    {
        while (true)
        {
            Assert.True(EapPacket.TryParse(answer.Find<Payload.Eap>()!.Message.Span, out var packet, out _));
            if (packet.Code is not EapCode.Request)
                return packet;
            answer = client.Auth(new Payload.Eap(Answer(packet).ToBlob()));
        }
    }

    /// <summary>All of it: the conversation, then AUTH with its key and the gateway's with the same; gives the last answer of IKE_AUTH.</summary>
    public IkeMessage LogIn(ScriptedClient client, IkeMessage answer, Payload.IDi id)
    {
        Assert.Equal(EapCode.Success, Talk(client, answer).Code);
        var last = client.Auth(client.Prove(Msk!, id));
        client.AssertProof(Msk!, answer.Find<Payload.IDr>()!, last);
        return last;
    }

    protected abstract Blob Take(Blob data);

    public virtual void Dispose() => Msk?.Dispose();
}

/// <summary>EAP-MSCHAPv2 (RFC 2759 in draft-kamath-pppext-eap-mschapv2).</summary>
/// <param name="identity">To EAP-Identity.</param>
/// <param name="name">In the response; with a domain before it, the hashes are made of what follows.</param>
/// <param name="passwords">The first, and those that the user types when he is asked again.</param>
sealed class MsChapV2Client(byte[] identity, string name, params string[] passwords) : EapClient(identity)
{
    readonly SeededDice _dice = new(5);
    readonly Queue<string> _passwords = new(passwords);
    byte[] _expected = [];

    /// <summary>It gives up where a password is wrong, whatever the server says of trying again.</summary>
    public bool NeverTriesAgain { get; init; }

    protected override EapType Method => EapType.MsChapV2;

    protected override Blob Take(Blob data)
    {
        var text = Encoding.ASCII.GetString(data.Span[4..]);
        switch (data.Span[0])
        {
            case 1:
                Assert.Equal(16, data.Span[4]);
                return Respond(data.Span[1], data.Span[5..21]);
            case 3:
                // Android wants the two fields, with a blank between.
                Assert.Equal($"S={Convert.ToHexString(_expected)} M=OK", text);
                return (byte[])[3];
            case 4 when NeverTriesAgain || _passwords.Count == 0:
                Assert.StartsWith("E=691 R=1 C=", text, StringComparison.Ordinal);
                return (byte[])[4];
            case 4:
                return Respond((byte)(data.Span[1] + 1), Convert.FromHexString(text["E=691 R=1 C=".Length..][..32]));
            default:
                throw new InvalidOperationException($"{data}");
        }
    }

    Blob Respond(byte id, ReadOnlySpan<byte> challenge)
    {
        using var password = Secret.Copy(Encoding.UTF8.GetBytes(_passwords.Dequeue()));
        using var hash = MsChapV2.NtPasswordHash(password);
        var (peer, user) = (_dice.Bytes(16), Encoding.ASCII.GetBytes(name));
        var bare = Encoding.ASCII.GetBytes(name[(name.IndexOf('\\', StringComparison.Ordinal) + 1)..]);
        var response = MsChapV2.NtResponse(challenge, peer, bare, hash);
        _expected = MsChapV2.AuthenticatorResponse(challenge, peer, bare, hash, response);
        Msk?.Dispose();
        Msk = MsChapV2.Msk(hash, response);
        byte[] value = [49, .. peer, .. new byte[8], .. response, 0, .. user];
        return (byte[])[2, id, 0, (byte)(4 + value.Length), .. value];
    }
}

/// <summary>EAP-TLS (RFC 5216) with TLS 1.2, in fragments of a size of the client's own.</summary>
/// <param name="identity">To EAP-Identity.</param>
/// <param name="own">The user's certificate.</param>
/// <param name="fragment">Octets of TLS in one packet.</param>
sealed class TlsClient(byte[] identity, TlsIdentity own, int fragment) : EapClient(identity)
{
    readonly TlsEngine _tls = TlsEngine.Client(
        new(own, _ => null, [])
        {
            Exports = [new TlsExport("EXPORTER_EAP_TLS_Key_Material", (byte[])[13], "client EAP encryption", 128)],
            Limits = TlsLimits.None with { HasVersion13 = false },
        }, new SeededDice(6));

    readonly List<byte> _coming = [];
    byte[] _going = [];
    int _gone;

    /// <summary>The length of all stands before each fragment, not only before the first.</summary>
    public bool RepeatsLength { get; init; }

    protected override EapType Method => EapType.Tls;

    protected override Blob Take(Blob data)
    {
        var flags = data.Span[0];
        if ((flags & 0x20) != 0)
        {
            _tls.Start();
            return Turn();
        }
        if (_gone < _going.Length)
            return Next();
        _coming.AddRange(data.Span[((flags & 0x80) != 0 ? 5 : 1)..]);
        if ((flags & 0x40) != 0)
            return (byte[])[0];
        _tls.Take([.. _coming]);
        _coming.Clear();
        return Turn();
    }

    public override void Dispose()
    {
        _tls.Dispose();
        base.Dispose();
    }

    Blob Turn()
    {
        // An alert, the gateway's or its own, is all that there is to be said.
        (_going, _gone) = (_tls.TakeOutput(), 0);
        if (_tls.IsEstablished && _tls.TakeKeys() is [var keys])
        {
            using (keys)
                Msk = Secret.Copy(keys.Span[..64]);
        }
        return _going.Length == 0 ? (byte[])[0] : Next();
    }

    Blob Next()
    {
        var (size, isFirst) = (Math.Min(fragment, _going.Length - _gone), _gone == 0);
        var more = _gone + size < _going.Length;
        byte[] length = [(byte)(_going.Length >> 24), (byte)(_going.Length >> 16), (byte)(_going.Length >> 8), (byte)_going.Length];
        var hasLength = RepeatsLength || (isFirst && more);
        byte[] packet = [(byte)((hasLength ? 0x80 : 0) | (more ? 0x40 : 0)), .. hasLength ? length : [], .. _going.AsSpan(_gone, size)];
        _gone += size;
        return packet;
    }
}
