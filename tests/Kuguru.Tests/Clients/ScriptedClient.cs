using Kuguru.Crypto;
using Kuguru.Ike.V2;
using Kuguru.Nat;
using Kuguru.Pki;
using Kuguru.Tests.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Clients;

/// <summary>
/// An initiator without a mind of its own: it says the payloads that a story puts into its mouth, in that order, and knows only how to seal and open
/// messages. So it can be any client.
/// </summary>
sealed class ScriptedClient(Gateway gateway, ushort port = Ports.Ike, ushort natPort = Ports.NatTraversal) : IDisposable
{
    readonly SeededDice _dice = new(gateway.NextSeed());
    readonly Queue<Blob> _inbox = new();
    KeyExchange? _keyExchange;
    IkeSpi _spi;
    Blob _nonce;
    uint _nextId;
    bool _isOn4500;
    Keying? _keying;
    PayloadType _first;
    readonly List<byte> _answer = [], _request = [];

    /// <summary>What it takes itself for, behind the NAT.</summary>
    public IpAddress Address { get; set; } = IpAddress.Parse("192.168.1.23");

    /// <summary>Octets of an IKE message from which on it goes in pieces (RFC 7383); null is never.</summary>
    public int? PieceSize { get; init; }

    /// <summary>What it answers to the gateway's requests.</summary>
    public Func<IkeMessage, Payload[]> Answers { get; set; } = _ => [];

    /// <summary>The gateway's requests so far.</summary>
    public List<IkeMessage> Asked { get; } = [];

    public Keying Keying => _keying ?? throw new InvalidOperationException("there are no keys yet");
    public InitMessages Messages { get; private set; } = new(Blob.Empty, Blob.Empty, default);
    public IkeSpi GatewaySpi { get; private set; }

    /// <summary>The larger of the datagrams that the last answer came in.</summary>
    public int LargestReceived { get; private set; }

    // IKE_SA_INIT

    /// <summary>Makes what the payloads below say. Again for another group.</summary>
    public void Begin(KeyExchangeMethod group, int nonce = 32)
    {
        _keyExchange?.Dispose();
        (_keyExchange, _nonce) = (KeyExchange.Start(group, _dice), _dice.Bytes(nonce));
        if (_spi.IsZero)
            _spi = new(_dice.UInt64());
    }

    public Payload.KE KE => new((ushort)_keyExchange!.Method, _keyExchange.PublicValue);
    public Payload.Nonce Ni => new(_nonce);
    public Payload.Notify NatSource => new(NotifyType.NatDetectionSourceIp, NatDetection.Hash(_spi, GatewaySpi, Inside));
    public Payload.Notify NatDestination => new(NotifyType.NatDetectionDestinationIp, NatDetection.Hash(_spi, GatewaySpi, new(Gateway.Address, GatewayPort)));

    /// <summary>Sends IKE_SA_INIT; with the whole answer it has keys, and goes on on port 4500.</summary>
    public IkeMessage Init(params ReadOnlySpan<Payload> payloads)
    {
        Blob request = new IkeMessage(_spi, default, ExchangeType.IkeSaInit, IkeFlags.Initiator, MessageId.Zero, Sequence(payloads)).Write();
        Send(request);
        var bytes = _inbox.Dequeue();
        Assert.True(IkeMessage.TryParse(bytes.Span, out var answer, out _));
        if (answer.Find<Payload.SA>() is not { } sa)
            return answer;
        var suite = SuiteOf(sa);
        Assert.Equal((ushort)suite.KeyExchange, answer.Find<Payload.KE>()!.Group);
        Assert.True(_keyExchange!.TryDerive(answer.Find<Payload.KE>()!.Data, out var shared, out _));
        var nonces = new Nonces(_nonce, answer.Find<Payload.Nonce>()!.Data);
        GatewaySpi = answer.ResponderSpi;
        _keying = Keying.Derive(suite, isInitiator: true, shared, nonces, _spi, GatewaySpi);
        Messages = new(request, bytes, nonces);
        shared.Dispose();
        (_isOn4500, _nextId) = (true, 1);
        return answer;
    }

    // Everything behind it

    /// <summary>Asks, and gives what is inside the answer. Along the way the gateway's own requests are answered.</summary>
    public IkeMessage Ask(ExchangeType exchange, params ReadOnlySpan<Payload> payloads)
    {
        var header = new IkeMessage(_spi, GatewaySpi, exchange, IkeFlags.Initiator, new MessageId(_nextId++), []);
        var inside = Sequence(payloads);
        foreach (var datagram in Sealed(header, inside))
            Send(datagram);
        return TakeAnswer(header.Id) ?? throw new InvalidOperationException($"no answer to {header with { Payloads = inside }}");
    }

    public IkeMessage Auth(params ReadOnlySpan<Payload> payloads) => Ask(ExchangeType.IkeAuth, payloads);

    /// <summary>AUTH by a shared key or the key of EAP (RFC 7296 section 2.15).</summary>
    public Payload.Auth Prove(Secret key, Payload.IDi id) => new(AuthMethod.SharedKey, Keying.Prove(key, Keying.SignedOctets(byInitiator: true, Messages, id.Body, ppk: null)));

    public void AssertProof(Secret key, Payload.IDr id, IkeMessage answer)
    {
        var auth = answer.Find<Payload.Auth>()!;
        Assert.Equal(AuthMethod.SharedKey, auth.Method);
        Assert.Equal((Blob)Keying.Prove(key, Keying.SignedOctets(byInitiator: false, Messages, id.Body, ppk: null)), auth.Data);
    }

    /// <summary>AUTH by a signature.</summary>
    public Payload.Auth Sign(PrivateKey key, SignatureScheme scheme, AuthMethod method, Payload.IDi id) =>
        new(method, AuthData.Write(method, scheme, key.Sign(scheme, Keying.SignedOctets(byInitiator: true, Messages, id.Body, ppk: null))));

    /// <summary>The gateway is who its certificate says, by a method that this client knows; gives the certificate.</summary>
    public Certificate AssertSignature(IkeMessage answer, AuthMethod method, SignatureScheme scheme)
    {
        var (id, auth) = (answer.Find<Payload.IDr>()!, answer.Find<Payload.Auth>()!);
        Assert.True(Certificate.TryRead(answer.All<Payload.Cert>().First().Data, out var certificate, out _));
        Assert.Equal(method, auth.Method);
        Assert.True(AuthData.TryRead(auth, out var signed));
        Assert.Equal(scheme, AuthData.Verify(certificate.Key, signed, Keying.SignedOctets(byInitiator: false, Messages, id.Body, ppk: null)));
        Assert.Equal(Gateway.Name, System.Text.Encoding.ASCII.GetString(id.Data));
        return certificate;
    }

    /// <summary>Keys of a child, as this end has them: null where it has no key exchange of its own.</summary>
    public ChildKeys ChildKeys(IkeMessage answer, Blob ni, bool keyExchange)
    {
        Secret? shared = null;
        if (keyExchange)
            Assert.True(_keyExchange!.TryDerive(answer.Find<Payload.KE>()!.Data, out shared, out _));
        using (shared)
            return Keying.DeriveChild(EspSuiteOf(answer.Find<Payload.SA>()!), shared, answer.Find<Payload.Nonce>() is { } nr ? new(ni, nr.Data) : Messages.Nonces);
    }

    /// <summary>The gateway has agreed to new keys for the IKE SA: from now on this is it.</summary>
    public void MoveTo(IkeSpi spi, IkeMessage answer)
    {
        var chosen = answer.Find<Payload.SA>()!.Proposals[0];
        var next = IkeSpi.From(chosen.Spi)!.Value;
        Assert.True(_keyExchange!.TryDerive(answer.Find<Payload.KE>()!.Data, out var shared, out _));
        var keying = Keying.DeriveNext(SuiteOf(answer.Find<Payload.SA>()!), isInitiator: true, shared, new Nonces(_nonce, answer.Find<Payload.Nonce>()!.Data), spi, next);
        shared.Dispose();
        _keying?.Dispose();
        (_keying, _spi, GatewaySpi, _nextId) = (keying, spi, next, 0);
    }

    public IkeSpi NewSpi() => new(_dice.UInt64());
    public Spi NewEspSpi() => new(_dice.UInt32() | 0x100);

    public void Receive(Blob datagram)
    {
        if (datagram.Span.SequenceEqual(Demux.Keepalive))
            return;
        var message = _isOn4500 && datagram.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? Blob.Copy(datagram.Span[4..]) : datagram;
        Assert.True(IkeMessage.TryParse(message.Span, out var parsed, out _));
        if (parsed.IsResponse)
            _inbox.Enqueue(message);
        else
            AnswerRequest(message);
    }

    public void Dispose()
    {
        _keyExchange?.Dispose();
        _keying?.Dispose();
    }

    ushort GatewayPort => _isOn4500 ? Ports.NatTraversal : Ports.Ike;
    Endpoint Inside => new(Address, _isOn4500 ? natPort : port);

    void Send(Blob message) =>
        gateway.Receive(gateway.Meet(this, Inside), GatewayPort, _isOn4500 ? (Blob)(byte[])[0, 0, 0, 0, .. message.Span] : message);

    IEnumerable<Blob> Sealed(IkeMessage header, Sequence<Payload> inside)
    {
        var plaintext = Payload.WriteChain(inside, out var first);
        if (PieceSize is not { } size || Keying.SealedLength(plaintext.Length) <= size)
        {
            yield return Keying.Seal(header, inside, _dice);
            yield break;
        }
        var piece = Keying.MaxPiece(size);
        var total = (ushort)((plaintext.Length + piece - 1) / piece);
        for (var i = 0; i < total; i++)
            yield return Keying.SealFragment(header, first, (ushort)(i + 1), total, plaintext.AsSpan(i * piece, Math.Min(piece, plaintext.Length - i * piece)), _dice);
    }

    IkeMessage? TakeAnswer(MessageId id)
    {
        LargestReceived = 0;
        while (_inbox.TryDequeue(out var bytes))
        {
            LargestReceived = Math.Max(LargestReceived, bytes.Length);
            if (Open(bytes, _answer) is not { } answer)
                continue;
            Assert.Equal(id, answer.Id);
            return answer;
        }
        return null;
    }

    /// <summary>The message, when all its pieces are there.</summary>
    IkeMessage? Open(Blob bytes, List<byte> pieces)
    {
        Assert.True(IkeMessage.TryParse(bytes.Span, out var message, out _));
        Assert.True(Keying.TryOpen(bytes.Span, message.Encrypted!, out var plaintext));
        if (message.Encrypted is not Payload.SKF { Number: > 1 })
            _first = message.Encrypted!.FirstInner;
        pieces.AddRange(plaintext);
        if (message.Encrypted is Payload.SKF piece && piece.Number < piece.Total)
            return null;
        Assert.True(Payload.TryReadChain(_first, pieces.ToArray(), out var payloads, out _));
        pieces.Clear();
        return message with { Payloads = payloads };
    }

    void AnswerRequest(Blob bytes)
    {
        if (Open(bytes, _request) is not { } request)
            return;
        Asked.Add(request);
        Send(Keying.Seal(request with { Flags = IkeFlags.Initiator | IkeFlags.Response, Payloads = [] }, Sequence(Answers(request)), _dice));
    }

    static Sequence<Payload> Sequence(ReadOnlySpan<Payload> payloads) => payloads.ToArray().ToSequence();

    static IkeSuite SuiteOf(Payload.SA sa)
    {
        var chosen = Assert.Single(sa.Proposals);
        ushort One(TransformType type) => chosen.Transforms.Where(one => one.Type == type).Select(one => one.Id).DefaultIfEmpty().Single();
        return new(EncryptionOf(chosen), (IntegrityAlgorithm)One(TransformType.Integrity), (PseudoRandomFunction)One(TransformType.Prf), (KeyExchangeMethod)One(TransformType.KeyExchange));
    }

    static EspSuite EspSuiteOf(Payload.SA sa)
    {
        var chosen = Assert.Single(sa.Proposals);
        return new(EncryptionOf(chosen), (IntegrityAlgorithm)chosen.Transforms.Where(one => one.Type == TransformType.Integrity).Select(one => one.Id).DefaultIfEmpty().Single(),
            ExtendedSequenceNumbers.No);
    }

    static Encryption EncryptionOf(Proposal chosen)
    {
        var cipher = chosen.Transforms.Single(one => one.Type == TransformType.Encryption);
        return new((EncryptionAlgorithm)cipher.Id, cipher.KeyLength ?? 0);
    }
}
