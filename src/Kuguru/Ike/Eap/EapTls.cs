using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

//                    <-- Request { Start }                                           RFC 5216 section 2.1, RFC 9190 section 2.1
// { ClientHello }    -->
//                    <-- { ServerHello, ..., Certificate, CertificateRequest, ... }
// { Certificate, ..., Finished } -->
//                    <-- { Finished }               TLS 1.2
//                    <-- { application data 0x00 }  TLS 1.3: "nothing more comes, and all is well", from servers that know RFC 9190
// { }                -->
//                    <-- EAP-Success
//
// A flight that is too long goes in fragments, each of which an empty packet asks for.

/// <summary>EAP-TLS: a handshake with a certificate at each end, whose records EAP carries.</summary>
sealed class EapTls : EapMethod
{
    /// <summary>Octets of TLS in one packet.</summary>
    public const int FragmentSize = 1024;

    /// <summary>Octets of one flight, as stated and as received: a chain of certificates, twice over.</summary>
    public const int MaxFlight = 64 * 1024;

    const byte LengthIncluded = 0x80, MoreFragments = 0x40, StartFlag = 0x20;
    const int MskLength = 64;

    /// <summary>A packet without TLS: "go on".</summary>
    static readonly Blob Acknowledgment = (byte[])[0];

    static readonly TlsExport Keys = new("EXPORTER_EAP_TLS_Key_Material", (byte[])[13], "client EAP encryption", 2 * MskLength);

    /// <summary>What strongSwan exported from TLS 1.3 before it knew RFC 9190 (until 5.9.9): the label of TLS 1.2.</summary>
    static readonly TlsExport EarlyKeys = new("client EAP encryption", Blob.Empty, "client EAP encryption", 2 * MskLength);

    readonly TlsEngine _tls;
    readonly bool _isServer;
    readonly List<byte> _coming = [];
    int? _announced;
    byte[] _going = [];
    int _gone;
    bool _hasStarted, _isSettled, _hasIndicated, _hasHeardMore;
    Secret? _msk, _earlyMsk;

    EapTls(TlsEngine tls, bool isServer) => (_tls, _isServer) = (tls, isServer);

    /// <param name="setup">Certificates and trust; the keys to export are set here.</param>
    /// <param name="dice">For TLS.</param>
    public static EapTls Server(TlsSetup setup, Dice dice) => new(TlsEngine.Server(setup with { Exports = [Keys] }, dice), isServer: true);

    /// <inheritdoc cref="Server"/>
    public static EapTls Peer(TlsSetup setup, Dice dice) => new(TlsEngine.Client(setup with { Exports = [Keys, EarlyKeys] }, dice), isServer: false);

    public override EapType Type => EapType.Tls;
    public override string? Trouble => _tls.Failure;

    /// <summary>
    /// A server of TLS 1.3 from before RFC 9190 has nothing more to say: its success comes instead. That it has the key, and so has taken our proof, IKE's AUTH
    /// shows, which the indication would only anticipate.
    /// </summary>
    public override bool MayEnd => !_isServer && !_isSettled && _msk is not null && !_hasHeardMore && _gone == _going.Length;

    public override MethodStep Begin()
    {
        _tls.Start();
        _hasStarted = true;
        return new MethodStep.Continue((byte[])[StartFlag]);
    }

    public override MethodStep Take(byte identifier, Blob data)
    {
        var r = new WireReader(data);
        var flags = r.U8();
        var announced = (flags & LengthIncluded) != 0 ? r.U32() : 0;
        var records = r.Rest();
        if (r.Failed)
            return new MethodStep.Failed("its packet is cut off");
        if ((flags & StartFlag) != 0 != !_hasStarted)
            return new MethodStep.Failed(_hasStarted ? "it starts again half-way" : "it does not start with a start");
        if (!_hasStarted)
        {
            _hasStarted = true;
            _tls.Start();
            return Turn();
        }
        if (_gone < _going.Length)
            return records.IsEmpty ? Next() : new MethodStep.Failed("it speaks before it has heard all of our fragments");
        if (Collect(announced, records) is { } wrong)
            return new MethodStep.Failed(wrong);
        return (flags & MoreFragments) != 0 ? new MethodStep.Continue(Acknowledgment) : Turn();
    }

    public override Secret? TakeMsk()
    {
        ref var msk = ref _isSettled ? ref _msk : ref _earlyMsk;
        var taken = msk;
        msk = null;
        return taken;
    }

    public override void Dispose()
    {
        _msk?.Dispose();
        _earlyMsk?.Dispose();
        _tls.Dispose();
        base.Dispose();
    }

    /// <summary>The first half of what is exported; the other would be the EMSK.</summary>
    static Secret MskOf(Secret exported)
    {
        using (exported)
            return Secret.Copy(exported.Span[..MskLength]);
    }

    /// <summary>One more fragment; what is wrong with it, or null.</summary>
    string? Collect(uint announced, Blob records)
    {
        _hasHeardMore |= _msk is not null && !records.IsEmpty;
        if (announced > MaxFlight)
            return $"it announces {announced} octets, more than {MaxFlight}";
        if (announced > 0 && _announced is { } before && before != announced)
            return $"it announces {announced} octets after {before}";
        if (announced > 0)
            _announced = (int)announced;
        if (_coming.Count + records.Length > (_announced ?? MaxFlight))
            return $"it sends more than the {_announced ?? MaxFlight} octets that it may";
        _coming.AddRange(records.Span);
        return null;
    }

    /// <summary>A whole flight has come: TLS takes it, and has something to say or not.</summary>
    MethodStep Turn()
    {
        var isEmpty = _coming.Count == 0;
        if (_announced is { } announced && announced != _coming.Count)
            return new MethodStep.Failed($"it announces {announced} octets and sends {_coming.Count}");
        _tls.Take([.. _coming]);
        (_announced, _going, _gone) = (null, [], 0);
        _coming.Clear();
        if (_isServer && _isSettled && isEmpty)
            return _tls.Failure is { } failure ? new MethodStep.Failed(failure) : new MethodStep.Done(null);
        if (_tls.Failure is null && _tls.IsEstablished)
            Settle();
        _going = _tls.TakeOutput();
        // An alert of ours is heard and answered by an empty packet, before all is said to have failed (RFC 5216 section 2.1.3).
        return _tls.Failure is { } why && _going.Length == 0 ? new MethodStep.Failed(why, _isServer ? (Blob?)null : Acknowledgment) : Next();
    }

    /// <summary>The handshake is done: there are keys, and in TLS 1.3 something is still to be said or heard (RFC 9190 section 2.1.1).</summary>
    void Settle()
    {
        if (_tls.TakeKeys() is [var keys, .. var early])
        {
            _msk = MskOf(keys);
            _earlyMsk = early is [var before] ? MskOf(before) : null;
        }
        if (!_tls.IsVersion13)
        {
            _isSettled = true;
        }
        else if (_isServer && !_hasIndicated)
        {
            _tls.Send([0]);
            (_hasIndicated, _isSettled) = (true, true);
        }
        else if (!_isServer && _tls.TakeApplicationData() is [0])
        {
            _isSettled = true;
        }
    }

    /// <summary>The next fragment of what goes out, or an empty packet.</summary>
    MethodStep Next()
    {
        var (rest, isFirst) = (_going.Length - _gone, _gone == 0);
        var size = Math.Min(rest, FragmentSize);
        var w = new WireWriter(size + 8);
        w.U8((byte)((isFirst && rest > 0 ? LengthIncluded : 0) | (size < rest ? MoreFragments : 0)));
        if (isFirst && rest > 0)
            w.U32((uint)rest);
        w.Bytes(_going.AsSpan(_gone, size));
        _gone += size;
        var packet = new Blob(w.ToArray());
        if (_gone < _going.Length || _isServer)
            return new MethodStep.Continue(packet);
        if (_tls.Failure is { } why)
            return new MethodStep.Failed(why, packet);
        return _isSettled ? new MethodStep.Done(packet) : new MethodStep.Continue(packet);
    }
}
