using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Nat;
using Kuguru.Pki;
using Kuguru.Tests.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Clients;

/// <summary>
/// A responder without a mind of its own: it takes one proposal, and to each request behind IKE_SA_INIT it says the payloads of the story's next answer.
/// </summary>
/// <param name="ike">What it takes.</param>
/// <param name="init">What it says besides SA, KE, nonce and NAT detection.</param>
sealed class ScriptedGateway(string ike, params Payload[] init)
{
    readonly SeededDice _dice = new(31);
    readonly Dictionary<ushort, byte[]> _pieces = [];
    readonly Queue<Func<ScriptedGateway, IkeMessage, Payload[]>> _script = [];
    Keying? _keying;
    InitMessages _messages = new(Blob.Empty, Blob.Empty, default);

    public List<IkeMessage> Asked { get; } = [];
    public Keying Keying => _keying!;
    public IkeMessage First => Asked[0];

    /// <summary>The answer to the next request, which can be looked at.</summary>
    public ScriptedGateway Then(Func<ScriptedGateway, IkeMessage, Payload[]> answer)
    {
        _script.Enqueue(answer);
        return this;
    }

    public Payload.Auth Sign(PrivateKey key, SignatureScheme scheme, Blob? identifier, Payload.IDr id)
    {
        var signature = key.Sign(scheme, Octets(byInitiator: false, id));
        return identifier is { } known ? new(AuthMethod.DigitalSignature, (byte[])[(byte)known.Length, .. known.Span, .. signature]) : new(AuthMethod.RsaSignature, signature);
    }

    public Payload.Auth Prove(Secret key, Payload.IDr id) => new(AuthMethod.SharedKey, Keying.Prove(key, Octets(byInitiator: false, id)));

    public byte[] Octets(bool byInitiator, Payload.Identification id) => Keying.SignedOctets(byInitiator, _messages, id.Body, ppk: null);

    /// <summary>The answer to a datagram, where it is due.</summary>
    public Blob? Receive(Path path, ReadOnlySpan<byte> message)
    {
        Assert.True(IkeMessage.TryParse(message, out var request, out _));
        if (request.IsResponse)
            return null;
        if (request.Exchange == ExchangeType.IkeSaInit)
            return Begin(path, request, Blob.Copy(message));
        if (Open(request, message) is not { } opened)
            return null;
        Asked.Add(opened);
        var answer = _script.Dequeue()(this, opened);
        return Keying.Seal(request with { Flags = IkeFlags.Response, Payloads = [] }, answer.ToSequence(), _dice);
    }

    Blob Begin(Path path, IkeMessage request, Blob bytes)
    {
        var choice = Proposals.Choose(Configs.Ike(ike), request.Find<Payload.SA>()!)!;
        var ke = request.Find<Payload.KE>()!;
        Assert.True(KeyExchange.TryAnswer(choice.KeyExchange, _dice, ke.Data, out var publicValue, out var shared, out _));
        var (spi, nonces) = (new IkeSpi(_dice.UInt64()), new Nonces(request.Find<Payload.Nonce>()!.Data, _dice.Bytes(32)));
        using (shared)
            _keying = Keying.Derive(choice.IkeSuite, isInitiator: false, shared!, nonces, request.InitiatorSpi, spi);
        Payload[] payloads =
        [
            Proposals.Answer(choice, Blob.Empty), new Payload.KE((ushort)choice.KeyExchange, publicValue), new Payload.Nonce(nonces.Responder),
            new Payload.Notify(NotifyType.NatDetectionSourceIp, NatDetection.Hash(request.InitiatorSpi, spi, path.Local)),
            new Payload.Notify(NotifyType.NatDetectionDestinationIp, NatDetection.Hash(request.InitiatorSpi, spi, path.Remote)), .. init,
        ];
        Blob answer = new IkeMessage(request.InitiatorSpi, spi, ExchangeType.IkeSaInit, IkeFlags.Response, request.Id, payloads.ToSequence()).Write();
        _messages = new(bytes, answer, nonces);
        return answer;
    }

    IkeMessage? Open(IkeMessage request, ReadOnlySpan<byte> message)
    {
        Assert.True(Keying.TryOpen(message, request.Encrypted!, out var plaintext));
        var first = request.Encrypted!.FirstInner;
        if (request.Encrypted is Payload.SKF piece)
        {
            _pieces[piece.Number] = [(byte)first, .. plaintext];
            if (_pieces.Count < piece.Total)
                return null;
            (first, plaintext) = ((PayloadType)_pieces[1][0], [.. _pieces.OrderBy(one => one.Key).SelectMany(one => one.Value[1..])]);
            _pieces.Clear();
        }
        Assert.True(Payload.TryReadChain(first, plaintext, out var payloads, out _));
        return request with { Payloads = payloads };
    }
}

/// <summary>Kuguru away from home, with a client's configuration of docs/clients.md, behind a NAT.</summary>
sealed class Traveller(ScriptedGateway gateway, int block, Func<string, string>? change = null) : DocumentedNode(block, change)
{
    static readonly IpAddress s_inside = IpAddress.Parse("10.1.0.10"), s_gateway = IpAddress.Parse("192.0.2.1");
    readonly Napt _nat = new("198.51.100.7", firstPort: 20000);

    /// <summary>Null is success.</summary>
    public Failure? Up(string connection, string child)
    {
        Order(new Order.LocalAddresses([s_inside]));
        Order(new Order.Initiate(1, connection, child));
        Run(TimeSpan.FromSeconds(1));
        return Events.OfType<Event.OrderDone>().Single().Failure;
    }

    protected override Path Find(Connection connection) => new(new(s_inside, Ports.Ike), new(s_gateway, Ports.Ike));

    protected override void Send(Path path, Blob bytes)
    {
        if (bytes.Span.SequenceEqual(Demux.Keepalive))
            return;
        var marker = path.Remote.Port == Ports.NatTraversal ? 4 : 0;
        if (gateway.Receive(new Path(path.Remote, _nat.Out(path.Local)), bytes.Span[marker..]) is { } answer)
            Receive(path, (byte[])[.. new byte[marker], .. answer.Span]);
    }
}
