using System.Diagnostics.CodeAnalysis;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>
/// The keys of one IKE SA and what is done with them: sealing and opening messages, proving an identity, keys for children.
/// Owns them; Dispose wipes them.
/// </summary>
sealed class Keying : IDisposable
{
    /// <summary>RFC 7296 section 2.15.</summary>
    static ReadOnlySpan<byte> KeyPad => "Key Pad for IKEv2"u8;

    IkeKeys _keys;
    readonly IkeCipher _sealing, _opening;

    Keying(IkeSuite suite, IkeKeys keys, bool isInitiator)
    {
        (Suite, Prf, _keys) = (suite, Prf.Of(suite.Prf), keys);
        _sealing = isInitiator ? IkeCipher.ForSealing(suite, keys.SkEi, keys.SkAi) : IkeCipher.ForSealing(suite, keys.SkEr, keys.SkAr);
        _opening = isInitiator ? IkeCipher.ForOpening(suite, keys.SkEr, keys.SkAr) : IkeCipher.ForOpening(suite, keys.SkEi, keys.SkAi);
    }

    public IkeSuite Suite { get; }
    public Prf Prf { get; }

    /// <summary>Of a first IKE SA (section 2.14).</summary>
    public static Keying Derive(IkeSuite suite, bool isInitiator, Secret shared, Nonces nonces, IkeSpi initiator, IkeSpi responder)
    {
        using var seed = KeyDerivation.SkeySeed(Prf.Of(suite.Prf), nonces.Initiator, nonces.Responder, shared);
        return From(seed, suite, isInitiator, nonces, initiator, responder);
    }

    /// <summary>Of the IKE SA that follows this one (section 2.18).</summary>
    public Keying DeriveNext(IkeSuite suite, bool isInitiator, Secret shared, Nonces nonces, IkeSpi initiator, IkeSpi responder)
    {
        using var seed = KeyDerivation.RekeySkeySeed(Prf, _keys.SkD, shared, nonces.Initiator, nonces.Responder);
        return From(seed, suite, isInitiator, nonces, initiator, responder);
    }

    /// <summary>Of a child (section 2.17); the roles are those of the exchange that makes it.</summary>
    public ChildKeys DeriveChild(ChildSuite suite, Secret? shared, Nonces nonces) =>
        KeyDerivation.ChildKeys(suite, Prf, _keys.SkD, shared, nonces.Initiator, nonces.Responder);

    /// <summary>The message with these payloads inside an SK payload, as it crosses the wire.</summary>
    public Blob Seal(IkeMessage outer, Sequence<Payload> inner, Dice dice)
    {
        var plaintext = Payload.WriteChain(inner, out var first);
        var frame = EncryptedFrame.ForMessage(outer, first, _sealing.BodyLength(plaintext.Length));
        _sealing.Seal(dice, frame.Associated, plaintext, frame.Body);
        return frame.Bytes;
    }

    /// <summary>One of the pieces of a message that is too long for one datagram (RFC 7383 section 2.5).</summary>
    public Blob SealFragment(IkeMessage outer, PayloadType first, ushort number, ushort total, ReadOnlySpan<byte> piece, Dice dice)
    {
        var frame = EncryptedFrame.ForFragment(outer, first, number, total, _sealing.BodyLength(piece.Length));
        _sealing.Seal(dice, frame.Associated, piece, frame.Body);
        return frame.Bytes;
    }

    /// <summary>Octets of a datagram that a message with this plaintext needs, without marker.</summary>
    public int SealedLength(int plaintext) => IkeHeader.Size + SkHeaderSize + _sealing.BodyLength(plaintext);

    /// <summary>The most plaintext that a fragment of this length carries.</summary>
    public int MaxPiece(int message) => _sealing.MaxPlaintext(message - IkeHeader.Size - SkfHeaderSize);

    /// <summary>The octets inside the SK or SKF payload; false when they are not authentic.</summary>
    public bool TryOpen(ReadOnlySpan<byte> bytes, Payload.Encrypted encrypted, [NotNullWhen(true)] out byte[]? plaintext) =>
        _opening.TryOpen(bytes[..encrypted.BodyAt(bytes.Length)], encrypted.Body, out plaintext);

    /// <summary>
    /// What a side's AUTH covers (section 2.15, InitiatorSignedOctets and ResponderSignedOctets): its first message as it crossed the wire, the other's
    /// nonce, prf(SK_p, the body of its ID payload).
    /// </summary>
    public byte[] SignedOctets(bool byInitiator, InitMessages init, Blob id, Secret? ppk)
    {
        using var skP = ProofKey(byInitiator, ppk);
        return
        [
            .. (byInitiator ? init.Request : init.Response).Span, .. (byInitiator ? init.Nonces.Responder : init.Nonces.Initiator).Span,
            .. Prf.Compute(skP, id),
        ];
    }

    /// <summary>
    /// SK_pi or SK_pr, by which a side proves itself also when its EAP method makes no key (section 2.16); a copy that is the caller's.
    /// </summary>
    /// <param name="byInitiator">Whose.</param>
    /// <param name="ppk">What to mix it with first; null when nothing is to be mixed, or is already.</param>
    public Secret ProofKey(bool byInitiator, Secret? ppk)
    {
        var skP = byInitiator ? _keys.SkPi : _keys.SkPr;
        return ppk is null ? skP.Copy() : KeyDerivation.MixPpk(Prf, ppk, skP);
    }

    /// <summary>From now on all that is derived has the PPK in it (RFC 8784 section 3). Messages are sealed as before.</summary>
    public void Mix(Secret ppk)
    {
        var mixed = _keys.Mixed(Prf, ppk);
        _keys.Dispose();
        _keys = mixed;
    }

    /// <summary>The AUTH data by a shared key, or by the MSK of an EAP method (sections 2.15 and 2.16): prf(prf(key, pad), octets).</summary>
    public byte[] Prove(Secret key, ReadOnlySpan<byte> octets)
    {
        using var padded = Prf.Derive(key, KeyPad);
        return Prf.Compute(padded, octets);
    }

    /// <summary>A line of Wireshark's ikev2_decryption_table; null when Wireshark cannot decrypt the suite.</summary>
    public string? Reveal(IkeSpi initiator, IkeSpi responder) => Wireshark.Ike(initiator, responder, Suite, _keys);

    public void Dispose()
    {
        _sealing.Dispose();
        _opening.Dispose();
        _keys.Dispose();
    }

    const int SkHeaderSize = 4, SkfHeaderSize = 8;

    static Keying From(Secret seed, IkeSuite suite, bool isInitiator, Nonces nonces, IkeSpi initiator, IkeSpi responder) =>
        new(suite, KeyDerivation.IkeKeys(suite, seed, nonces.Initiator, nonces.Responder, initiator.ToBlob(), responder.ToBlob()), isInitiator);
}

/// <summary>Ni and Nr of one exchange.</summary>
readonly record struct Nonces(Blob Initiator, Blob Responder)
{
    /// <summary>Octets of ours: at least half of any PRF's key (RFC 7296 section 2.10).</summary>
    public const int Length = 32;

    /// <summary>The lower of the two, as octet strings, which decides collisions (section 2.8).</summary>
    public Blob Lowest => Initiator.Span.SequenceCompareTo(Responder.Span) < 0 ? Initiator : Responder;
}
